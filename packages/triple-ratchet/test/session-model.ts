import { encodeHex } from '@sotto/core';
import { expect } from 'vitest';
import { encodeState, listSkippedKeys } from '../src/index.js';
import { codeOf, crypto, type Party, pair } from './party.js';

interface Envelope {
  readonly to: 0 | 1;
  readonly label: string;
  readonly message: Uint8Array;
}

/** Two parties and everything that is on its way between them. */
export function newNetwork() {
  const { alice, bob } = pair();
  const parties: readonly [Party, Party] = [alice, bob];
  const onTheWay: Envelope[] = [];
  const delivered: Envelope[] = [];
  const read: string[] = [];
  const arrived: string[] = [];
  const take = (pick: number) => onTheWay.splice(pick % onTheWay.length, 1)[0] as Envelope;
  const party = (who: number) => parties[who as 0 | 1];
  let sent = 0;

  const network = {
    read,
    arrived,
    party,
    send(from: number, size: number) {
      const label = `${from}:${sent++}`;
      const plaintext = new TextEncoder().encode(`${label} ${encodeHex(crypto.randomBytes(size))}`);
      onTheWay.push({ to: (1 - from) as 0 | 1, label, message: party(from).send(plaintext) });
    },
    deliver(pick: number) {
      if (onTheWay.length === 0) return;
      const envelope = take(pick);
      delivered.push(envelope);
      arrived.push(envelope.label);
      const text = new TextDecoder().decode(party(envelope.to).receive(envelope.message));
      read.push(text.split(' ')[0] as string);
    },
    drop(pick: number) {
      if (onTheWay.length > 0) take(pick);
    },
    replay(pick: number) {
      if (delivered.length === 0) return;
      const envelope = delivered[pick % delivered.length] as Envelope;
      refused(party(envelope.to), envelope.message);
    },
    reflect(pick: number) {
      if (onTheWay.length === 0) return;
      const { to, message } = onTheWay[pick % onTheWay.length] as Envelope;
      refused(party(1 - to), message);
    },
    corrupt(pick: number, bit: number) {
      if (onTheWay.length === 0) return;
      const { to, message } = onTheWay[pick % onTheWay.length] as Envelope;
      const changed = message.slice();
      const at = (bit >> 3) % changed.length;
      changed[at] = (changed[at] as number) ^ (1 << (bit & 7));
      refused(party(to), changed);
    },
    deliverAll() {
      while (onTheWay.length > 0) network.deliver(0);
    },
  };
  return network;
}

export type Network = ReturnType<typeof newNetwork>;

/** That it is refused, and changes nothing. */
export function refused(party: Party, message: Uint8Array): string {
  const before = encodeState(party.state);
  const { state } = party;
  const keys = new Map(party.keys);
  const code = codeOf(() => party.receive(message));
  expect(code).not.toBe('no error');
  expect(party.state).toBe(state);
  expect(encodeState(party.state)).toEqual(before);
  expect(party.keys).toEqual(keys);
  return code;
}

/** Every key that the state lists is stored, and no other. */
export function expectKeysAsListed(party: Party): void {
  const listed = [...listSkippedKeys(party.state)].map(({ key, n }) => `${encodeHex(key)}/${n}`);
  expect([...party.keys.keys()].toSorted()).toEqual(listed.toSorted());
}
