import { signal } from '@preact/signals';
import { conversationKey, parseConversationKey } from '@sotto/conversations';
import type { Conversation } from '@sotto/messenger';

/** The pages of the settings: one thing each. */
export const SETTINGS = [
  'profile',
  'notifications',
  'passphrase',
  'backup',
  'blocked',
  'node',
  'status',
  'finding',
  'name',
  'browser',
] as const;
export type SettingsPage = (typeof SETTINGS)[number];

/** What is shown, as the fragment of the address says it: `#/c/d-02…`. A fragment is sent to no server. */
export type Route =
  | { readonly page: 'list' | 'card' | 'devices' | 'new-chat' | 'new-group' }
  /** `setting`: one of them; without it, all. */
  | { readonly page: 'settings'; readonly setting?: SettingsPage }
  /** `text`: a contact card that the page was opened with. */
  | { readonly page: 'new'; readonly text: string }
  /** `at`: number of an entry to show first. */
  | { readonly page: 'conversation'; readonly conversation: Conversation; readonly at?: number }
  | { readonly page: 'details'; readonly conversation: Conversation };

/** Whether a fragment is a contact card: a link to it, as made by the card page. */
export function isCard(fragment: string): boolean {
  return /^#?sotto:/i.test(fragment);
}

export function parseRoute(fragment: string): Route {
  if (isCard(fragment)) return { page: 'new', text: fragment.replace(/^#/, '') };
  const [, page, key, more, number] = fragment.split('/');
  switch (page) {
    case 'card':
    case 'devices':
      return { page };
    case 'settings': {
      const setting = SETTINGS.find((name) => name === key);
      return setting === undefined ? { page } : { page, setting };
    }
    case 'new':
      if (key === 'group') return { page: 'new-group' };
      return key === 'chat' ? { page: 'new-chat' } : { page, text: '' };
    case 'c':
      try {
        const conversation = parseConversationKey(decodeURIComponent(key ?? ''));
        if (more === 'details') return { page: 'details', conversation };
        const at = more === 'at' && /^\d{1,15}$/.test(number ?? '') ? Number(number) : undefined;
        return { page: 'conversation', conversation, ...(at !== undefined && { at }) };
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
    case 'new-chat':
      return '#/new/chat';
    case 'new-group':
      return '#/new/group';
    case 'settings':
      return route.setting === undefined ? '#/settings' : `#/settings/${route.setting}`;
    case 'conversation': {
      const address = `#/c/${conversationKey(route.conversation)}`;
      return route.at === undefined ? address : `${address}/at/${route.at}`;
    }
    case 'details':
      return `#/c/${conversationKey(route.conversation)}/details`;
    default:
      return `#/${route.page}`;
  }
}

/** What is shown now. */
export const route = signal<Route>(parseRoute(globalThis.location?.hash ?? ''));

/** What was shown before: where a page leads back to that can be reached from several. */
export const routeBefore = signal<Route>({ page: 'list' });

/** Shows something else. */
export function go(next: Route): void {
  location.hash = formatRoute(next);
}

globalThis.addEventListener?.('hashchange', () => {
  routeBefore.value = route.value;
  route.value = parseRoute(location.hash);
});
