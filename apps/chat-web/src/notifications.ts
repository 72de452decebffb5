import { type Conversations, conversationKey, parseConversationKey } from '@sotto/conversations';
import type { Profiles } from '@sotto/conversations/profile';
import { contentWords } from './content-words.js';
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

/** What the user wants, as it was read last: reading it for each message that arrives costs as much as decrypting it. */
let wanted: Notifications | undefined;

function wantedNotifications(): Notifications {
  if (wanted === undefined) {
    const kept = localStorage.getItem(SETTING);
    wanted = NOTIFICATIONS.find((name) => name === kept) ?? 'off';
  }
  return wanted;
}

/** What the user wants and the browser allows; `off` until they have said so. */
export function notificationSetting(): Notifications {
  return canNotify() && Notification.permission === 'granted' ? wantedNotifications() : 'off';
}

/** Asks the browser for permission when it is needed. Throws a `TypeError` with words for people when it is refused. */
export async function setNotifications(setting: Notifications): Promise<void> {
  if (setting !== 'off' && (await Notification.requestPermission()) !== 'granted') {
    throw new TypeError(
      'The browser does not allow notifications of this page. Its settings for the page can change that.',
    );
  }
  localStorage.setItem(SETTING, setting);
  wanted = setting;
}

interface Told {
  readonly conversations: Conversations;
  readonly profiles: Profiles;
}

/** Notifies of what is received while the page isn't looked at. What was read, deleted or has disappeared is taken back. Returns how to stop. */
export function notifyOfMessages({ conversations, profiles }: Told): () => void {
  /** The message that is shown of each conversation. */
  const shown = new Map<string, { readonly number: number; readonly tag: string }>();
  const takeBack = (key: string) => {
    const { tag } = shown.get(key) ?? {};
    if (tag === undefined) return;
    shown.delete(key);
    // One that says nothing of a conversation stands for all of them.
    if (![...shown.values()].some((other) => other.tag === tag)) hide(tag);
  };
  const check = async (key: string, number: number) => {
    const conversation = parseConversationKey(key);
    const [entry] = await conversations.entries(conversation, { from: number, limit: 1 });
    const isThere = entry?.number === number && entry.kind === 'message' && entry.content.kind !== 'deleted';
    if (!isThere && shown.get(key)?.number === number) takeBack(key);
  };
  const unsubscribe = conversations.subscribe((change) => {
    if (change.what === 'removed') return takeBack(change.key);
    if (change.what === 'conversation') {
      const { number } = shown.get(change.key) ?? {};
      if (number === undefined) return;
      if (conversations.get(parseConversationKey(change.key))?.unread === 0) takeBack(change.key);
      else if (change.numbers?.includes(number) ?? true) check(change.key, number).catch(() => undefined);
      return;
    }
    if (change.what !== 'received' || change.quiet) return;
    const { conversation, message, key } = change;
    if (wantedNotifications() === 'off') return;
    const isOpen = 'conversation' in route.value && conversationKey(route.value.conversation) === key;
    if (document.visibilityState === 'visible' && document.hasFocus() && isOpen) return;
    const setting = notificationSetting();
    if (setting === 'off') return;
    const sender = nameOf({ profiles }, message.sender);
    const group = conversations.get(conversation)?.group?.name;
    const place = conversation.kind === 'public' ? `#${conversation.name}` : group;
    // The system keeps what it has shown, for longer than this page can delete it.
    const isToldOnce = message.timer !== undefined;
    const [title, body] =
      setting === 'nothing'
        ? ['Sotto', 'A new message']
        : [
            place === undefined ? sender : `${sender} in ${place}`,
            setting === 'text' && !isToldOnce ? contentWords(message.content) : 'A new message',
          ];
    // One for each conversation: the latest.
    const tag = setting === 'nothing' ? 'sotto' : key;
    shown.set(key, { number: message.number, tag });
    const data = formatRoute({ page: 'conversation', conversation });
    show(title, { body, icon: './icon-192.png', tag, data });
  });
  return () => {
    unsubscribe();
    for (const key of [...shown.keys()]) takeBack(key);
  };
}

/** Those that this page shows itself, by tag. */
const open = new Map<string, Notification>();

function show(title: string, options: NotificationOptions & { readonly tag: string }): void {
  try {
    const notification = new Notification(title, options);
    open.set(options.tag, notification);
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

function hide(tag: string): void {
  open.get(tag)?.close();
  open.delete(tag);
  void navigator.serviceWorker?.ready.then(async (worker) => {
    for (const notification of await worker.getNotifications({ tag })) notification.close();
  });
}

/** Opens the conversation of a notification that the service worker showed. */
export function openFromNotifications(): void {
  navigator.serviceWorker?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (typeof data === 'string' && data.startsWith('#/c/')) location.hash = data;
  });
}
