import { SottoError, type Transport } from '@sotto/core';
import type { Conversation } from '@sotto/messenger';
import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import type { Message } from '../src/index.js';
import { newParty, type Party, quiet } from './party.js';

/** People who know each other. The first one's transport refuses messages while `refuses` is set. */
export async function circle(names: readonly string[], { status = true } = {}) {
  const network = createMemoryNetwork({ clock: manualClock() });
  const refusal = { refuses: false };
  const wrap = (inner: Transport): Transport => ({
    capabilities: inner.capabilities,
    connect: async (options) => {
      const connection = await inner.connect(options);
      return {
        ...connection,
        subscribe: (channels) => connection.subscribe(channels),
        close: () => connection.close(),
        send: async (channel, payload, sendOptions) => {
          if (refusal.refuses) throw new SottoError('TRANSPORT_REFUSED', 'Refused.', { reason: 'test' });
          await connection.send(channel, payload, sendOptions);
        },
      };
    },
  });
  const parties: Party[] = [];
  for (const [i, name] of names.entries())
    parties.push(await newParty(network, `${name}-1`, { status, ...(i === 0 && { wrap }) }));
  for (const one of parties)
    for (const other of parties)
      if (one !== other) await one.conversations.addContact(await other.messenger.contacts.ownCode());
  const settle = (...some: readonly Party[]) => quiet(network, ...(some.length > 0 ? some : parties));
  await settle();
  return { network, refusal, parties, settle };
}

/** The last message of a conversation. */
export async function last(party: Party, conversation: Conversation): Promise<Message> {
  const entries = await party.conversations.entries(conversation);
  return entries.findLast((entry) => entry.kind === 'message') as Message;
}
