import type { Write } from '@sotto/core';
import type { ReceivedMessage } from '@sotto/messenger';

/** A message that isn't shown in its conversation: another package reads it, see `Conversations.onHidden`. */
export type HiddenMessage =
  /** What our own devices tell each other: at most {@link SYNC_MAX_BYTES} bytes, as they agree on. A copy. */
  | { readonly kind: 'sync'; readonly content: Uint8Array }
  /** What the sender shows of themselves. */
  | {
      readonly kind: 'profile';
      /** As `parsePersonName` returns it; empty for none. */
      readonly name: string;
      /** At most {@link PROFILE_PICTURE_MAX_BYTES} bytes of any format; empty for none. Untrusted; a copy. */
      readonly picture: Uint8Array;
      /** When it was set, in seconds since the epoch by the sender's clock. The later profile counts. */
      readonly changedAt: number;
    };

/** A hidden message of one kind. */
export type HiddenMessageOf<K extends HiddenMessage['kind']> = Extract<HiddenMessage, { readonly kind: K }>;

/** Whom a hidden message is from: `ownCopy` says whether another device of ours sent it, which need not be enabled. */
export type HiddenMessageSource = Omit<ReceivedMessage, 'acknowledge' | 'payload'>;

/** What a hidden message comes to. */
export interface HiddenMessageOutcome {
  /** Stored in the commit that acknowledges the message; keys begin with `app/`. */
  readonly writes: readonly Write[];
  /** Called once they are stored. */
  readonly committed?: (() => void) | undefined;
  /** Called instead when they are not: the handler is called again, or the message was acknowledged before. */
  readonly failed?: (() => void) | undefined;
}

/**
 * Reads a hidden message. It runs in turn with everything else that changes conversations, so it must not wait for
 * methods of `Conversations` that change something. When it rejects, it is called again some seconds later.
 */
export type HiddenMessageHandler<K extends HiddenMessage['kind']> = (
  message: HiddenMessageOf<K>,
  from: HiddenMessageSource,
) => Promise<HiddenMessageOutcome>;

/** By kind. */
export type HiddenMessageHandlers = Map<
  string,
  (message: never, from: HiddenMessageSource) => Promise<HiddenMessageOutcome>
>;

/** Whether it isn't shown. */
export function isHidden(message: { readonly kind: string }): message is HiddenMessage {
  return message.kind === 'sync' || message.kind === 'profile';
}

/**
 * Gives a message to the handler of its kind, and stores what it returns.
 * @param acknowledge stores the writes with the acknowledgement, and resolves to whether it did
 */
export async function takeHidden(
  handlers: HiddenMessageHandlers,
  message: HiddenMessage,
  from: HiddenMessageSource,
  acknowledge: (writes: readonly Write[]) => Promise<boolean>,
): Promise<void> {
  const outcome = await handlers.get(message.kind)?.(message as never, from);
  let isStored = false;
  try {
    isStored = await acknowledge(outcome?.writes ?? []);
  } finally {
    if (isStored) outcome?.committed?.();
    else outcome?.failed?.();
  }
}
