import { encodeHex } from '@sotto/core';
import { expect } from 'vitest';
import type { RatchetMessage } from '../src/index.js';
import { codeOf, crypto, type Party, pair } from './party.js';

export { countSkippedKeys, decodeState, encodeState } from '../src/index.js';

interface Envelope {
  readonly to: 0 | 1;
  readonly label: string;
  readonly message: RatchetMessage;
}

/** What must never be the same for two messages: the ratchet key with the number, hence the message key. */
export const encryptionId = ({ message }: Envelope) => `${encodeHex(message.header.key)}/${message.header.n}`;

/** Two parties and everything that is on its way between them. */
export function newNetwork() {
  const { alice, bob } = pair();
  const parties: readonly [Party, Party] = [alice, bob];
  const onTheWay: Envelope[] = [];
  const delivered: Envelope[] = [];
  const sent: Envelope[] = [];
  const read: string[] = [];
  const arrived: string[] = [];
  const take = (pick: number) => onTheWay.splice(pick % onTheWay.length, 1)[0] as Envelope;
  const party = (who: number) => parties[who as 0 | 1];

  const network = {
    sent,
    read,
    arrived,
    party,
    send(from: number, size: number) {
      const label = `${from}:${sent.length}`;
      const plaintext = new TextEncoder().encode(`${label} ${encodeHex(crypto.randomBytes(size))}`);
      const message = party(from).send(plaintext);
      const envelope = { to: (1 - from) as 0 | 1, label, message };
      sent.push(envelope);
      onTheWay.push(envelope);
    },
    deliver(pick: number) {
      if (onTheWay.length === 0) return;
      const envelope = take(pick);
      delivered.push(envelope);
      arrived.push(envelope.label);
      read.push(
        new TextDecoder().decode(party(envelope.to).receive(envelope.message)).split(' ')[0] as string,
      );
    },
    drop(pick: number) {
      if (onTheWay.length > 0) take(pick);
    },
    replay(pick: number) {
      if (delivered.length === 0) return;
      const envelope = delivered[pick % delivered.length] as Envelope;
      refused(party(envelope.to), envelope.message);
    },
    corrupt(pick: number, bit: number) {
      if (onTheWay.length === 0) return;
      const { to, message } = onTheWay[pick % onTheWay.length] as Envelope;
      const body = message.body.slice();
      const at = (bit >> 3) % body.length;
      body[at] = (body[at] as number) ^ (1 << (bit & 7));
      refused(party(to), { ...message, body });
    },
    deliverAll() {
      while (onTheWay.length > 0) network.deliver(0);
    },
  };
  return network;
}

export type Network = ReturnType<typeof newNetwork>;

function refused(party: Party, message: RatchetMessage) {
  const { state } = party;
  const keys = new Map(party.keys);
  expect(codeOf(() => party.receive(message))).not.toBe('no error');
  expect(party.state).toBe(state);
  expect(party.keys).toEqual(keys);
}
