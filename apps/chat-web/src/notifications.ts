import { type Conversations, conversationKey } from '@sotto/conversations';
import { nameOf } from './format.js';
import { formatRoute, route } from './route.js';

/** Key of the setting. Not secret. */
const SETTING = 'sotto-chat:notifications';

/** What a notification shows; others may see the screen, also while it is locked. */
export const NOTIFICATIONS = ['off', 'nothing', 'name', 'text'] as const;
export type Notifications = (typeof NOTIFICATIONS)[number];

/** Whether this browser can show notifications at all. */
export function canNotify(): boolean {
  return 'Notification' in globalThis;
}

/** What the user wants; `off` until they have said so. */
export function notificationSetting(): Notifications {
  const kept = localStorage.getItem(SETTING);
  const setting = NOTIFICATIONS.find((name) => name === kept) ?? 'off';
  return canNotify() && Notification.permission === 'granted' ? setting : 'off';
}

/** Asks the browser for permission when it is needed. Throws a `TypeError` with words for people when it is refused. */
export async function setNotifications(setting: Notifications): Promise<void> {
  if (setting !== 'off' && (await Notification.requestPermission()) !== 'granted') {
    throw new TypeError(
      'The browser does not allow notifications of this page. Its settings for the page can change that.',
    );
  }
  localStorage.setItem(SETTING, setting);
}

/** Notifies of what is received while the page isn't looked at. Returns how to stop. */
export function notifyOfMessages(conversations: Conversations): () => void {
  return conversations.subscribe((change) => {
    if (change.what !== 'received' || change.quiet) return;
    const { conversation, message } = change;
    const setting = notificationSetting();
    const isOpen = 'conversation' in route.value && conversationKey(route.value.conversation) === change.key;
    if (setting === 'off' || (document.visibilityState === 'visible' && document.hasFocus() && isOpen))
      return;
    const sender = nameOf(conversations.person(message.sender));
    const group = conversations.get(conversation)?.group?.name;
    const place = conversation.kind === 'public' ? `#${conversation.name}` : group;
    const text = message.content.kind === 'text' ? message.content.text.slice(0, 200) : 'A message';
    const [title, body] =
      setting === 'nothing'
        ? ['Sotto', 'A new message']
        : [
            place === undefined ? sender : `${sender} in ${place}`,
            setting === 'text' ? text : 'A new message',
          ];
    show(title, {
      body,
      icon: './icon-192.png',
      // One for each conversation: the latest.
      tag: setting === 'nothing' ? 'sotto' : change.key,
      data: formatRoute({ page: 'conversation', conversation }),
    });
  });
}

function show(title: string, options: NotificationOptions): void {
  try {
    const notification = new Notification(title, options);
    notification.onclick = () => {
      window.focus();
      location.hash = String(options.data);
      notification.close();
    };
  } catch {
    // Phones show those of a service worker only.
    void navigator.serviceWorker?.ready.then((worker) => worker.showNotification(title, options));
  }
}

/** Opens the conversation of a notification that the service worker showed. */
export function openFromNotifications(): void {
  navigator.serviceWorker?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (typeof data === 'string' && data.startsWith('#/c/')) location.hash = data;
  });
}
