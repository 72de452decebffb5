import type { ConversationProtection } from '@sotto/conversations';
import { Icon } from './icon.js';

const WORDS: Readonly<Record<ConversationProtection, readonly [string, string]>> = {
  public: ['Public', 'Anyone can read this.'],
  'identity-key': [
    'No forward secrecy yet',
    'Encrypted, but whoever gets the key of this account later can read it. The first answer improves that.',
  ],
  'post-quantum': [
    'Forward secrecy, post-quantum',
    'Each message has a key of its own, which is deleted afterwards; a quantum computer would not find it either.',
  ],
  ratchet: ['Forward secrecy', 'Each message has a key of its own, which is deleted afterwards.'],
};

/** How a conversation is protected, in two words; the full sentence appears on request. On a phone, a lock says that all is well. */
export function Protection({ protection }: { readonly protection: ConversationProtection }) {
  const [words, sentence] = WORDS[protection];
  const isRatchet = protection === 'ratchet' || protection === 'post-quantum';
  return (
    <span class={`badge ${protection}`} title={sentence}>
      {isRatchet && <Icon name="lock" />}
      <span class="words-of-badge">{words}</span>
    </span>
  );
}
