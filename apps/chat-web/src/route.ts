import { signal } from '@preact/signals';
import { conversationKey, parseConversationKey } from '@sotto/conversations';
import type { Conversation } from '@sotto/messenger';

/** What is shown, as the fragment of the address says it: `#/c/d-02…`. A fragment is sent to no server. */
export type Route =
  | { readonly page: 'list' | 'card' | 'devices' | 'settings' }
  /** `text`: a contact card that the page was opened with. */
  | { readonly page: 'new'; readonly text: string }
  | { readonly page: 'conversation' | 'details'; readonly conversation: Conversation };

export function parseRoute(fragment: string): Route {
  // A link to someone's card, as made by the card page.
  if (/^#?sotto:/i.test(fragment)) return { page: 'new', text: fragment.replace(/^#/, '') };
  const [, page, key, details] = fragment.split('/');
  switch (page) {
    case 'card':
    case 'devices':
    case 'settings':
      return { page };
    case 'new':
      return { page, text: '' };
    case 'c':
      try {
        const conversation = parseConversationKey(decodeURIComponent(key ?? ''));
        return { page: details === 'details' ? 'details' : 'conversation', conversation };
      } catch {
        return { page: 'list' };
      }
    default:
      return { page: 'list' };
  }
}

export function formatRoute(route: Route): string {
  switch (route.page) {
    case 'list':
      return '#/';
    case 'conversation':
      return `#/c/${conversationKey(route.conversation)}`;
    case 'details':
      return `#/c/${conversationKey(route.conversation)}/details`;
    default:
      return `#/${route.page}`;
  }
}

/** What is shown now. */
export const route = signal<Route>(parseRoute(globalThis.location?.hash ?? ''));

/** Shows something else. */
export function go(next: Route): void {
  location.hash = formatRoute(next);
}

globalThis.addEventListener?.('hashchange', () => {
  route.value = parseRoute(location.hash);
});
