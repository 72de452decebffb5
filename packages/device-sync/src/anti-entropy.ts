import { MAX_MESSAGES_AT_ONCE } from './limits.js';
import type { Registers } from './registers.js';
import { inMessages, type SyncMessage } from './sync-message.js';

/** Asks all other devices to compare what they have with what we have. */
export function askAll(registers: Registers): SyncMessage {
  return { kind: 'digest', buckets: registers.digest(), to: '', isAnswer: false };
}

/** Asks one device. */
export function askOne(registers: Registers, device: string): SyncMessage {
  return { kind: 'digest', buckets: registers.digest(), to: device, isAnswer: false };
}

/**
 * What a digest is answered with: nothing when both have the same; otherwise what we have where they differ and, unless we have asked
 * ourselves, our own digest, so that the other one sends what it has.
 * @param from installation id of its sender
 * @param ours our own
 */
export function answerTo(
  registers: Registers,
  { buckets, to, isAnswer }: Extract<SyncMessage, { readonly kind: 'digest' }>,
  from: string,
  ours: string,
  most = MAX_MESSAGES_AT_ONCE,
): readonly SyncMessage[] {
  if (to !== '' && to !== ours) return [];
  const digest = registers.digest();
  if (buckets.every((byte, i) => byte === digest[i])) return [];
  const parts = inMessages(registers.differing(buckets));
  const sent = parts.slice(0, most);
  const changes = sent.map(
    (entries, i): SyncMessage => ({
      kind: 'changes',
      entries,
      more: parts.length > most && i === sent.length - 1,
    }),
  );
  return isAnswer ? changes : [...changes, { kind: 'digest', buckets: digest, to: from, isAnswer: true }];
}
