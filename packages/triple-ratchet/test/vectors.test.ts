import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { encodeHex } from '@sotto/core';
import { unhex } from '@sotto/testing/vectors';
import { describe, expect, it } from 'vitest';
import { startInitiator, startResponder } from '../src/index.js';
import { crypto, drawingFrom, Party, textOf } from './party.js';
import { SecondImplementation } from './second-implementation.js';

/** A session whose randomness is SHA-256 of a name and a counter. */
interface VectorSession {
  readonly name: string;
  readonly sharedKey: string;
  readonly associatedData: string;
  readonly preKeyPrivate: string;
  /** `from`: 0 the initiator. `lost` messages never arrive, `late` ones after the next two. */
  readonly messages: readonly {
    readonly from: 0 | 1;
    readonly fate: 'arrives' | 'lost' | 'late';
    readonly text: string;
    readonly message: string;
  }[];
}

const sessions: readonly VectorSession[] = JSON.parse(
  readFileSync(new URL('./vectors.json', import.meta.url), 'utf8'),
);

/** The bytes of a stream, as many as are wanted at a time. */
function streamOf(name: string): (length: number) => Uint8Array {
  let drawn = 0;
  return (length) => {
    const blocks: Buffer[] = [];
    for (let at = 0; at < length; at += 32) {
      blocks.push(createHash('sha256').update(`${name} ${drawn++}`).digest());
    }
    return new Uint8Array(Buffer.concat(blocks).subarray(0, length));
  };
}

/** Runs a session, messages arriving as the vector says. */
async function play(
  session: VectorSession,
  send: (from: 0 | 1, text: Uint8Array) => Promise<Uint8Array> | Uint8Array,
  receive: (to: 0 | 1, message: Uint8Array) => Promise<Uint8Array> | Uint8Array,
): Promise<void> {
  const late: { at: number; to: 0 | 1; text: string; message: Uint8Array }[] = [];
  for (const [index, { from, fate, text, message }] of session.messages.entries()) {
    const sent = await send(from, new TextEncoder().encode(text));
    expect(encodeHex(sent)).toBe(message);
    const to = (1 - from) as 0 | 1;
    if (fate === 'arrives') expect(textOf(await receive(to, sent))).toBe(text);
    if (fate === 'late') late.push({ at: index + 2, to, text, message: sent });
    for (const one of late.filter(({ at }) => at === index)) {
      expect(textOf(await receive(one.to, one.message))).toBe(one.text);
    }
  }
}

describe('vectors', () => {
  it('go through several epochs, with messages that are lost and late', () => {
    expect(sessions.length).toBeGreaterThan(1);
    for (const fate of ['arrives', 'lost', 'late']) {
      expect(sessions.some(({ messages }) => messages.some((one) => one.fate === fate))).toBe(true);
    }
  });

  it.each(sessions.map((session) => [session.name, session] as const))(
    '%s: this implementation makes and reads them',
    async (name, session) => {
      const { publicKey, privateKey } = crypto.x25519.keyPairFromPrivateKey(unhex(session.preKeyPrivate));
      const secrets = { sharedKey: unhex(session.sharedKey), associatedData: unhex(session.associatedData) };
      const [a, b] = ['initiator', 'responder'].map((who) => drawingFrom(streamOf(`${name} ${who}`)));
      const parties = [
        new Party(startInitiator(a as typeof crypto, secrets, publicKey), undefined, a),
        new Party(startResponder(b as typeof crypto, secrets, { publicKey, privateKey }), undefined, b),
      ] as const;
      await play(
        session,
        (from, text) => parties[from].send(text),
        (to, message) => {
          parties[to].restart();
          return parties[to].receive(message);
        },
      );
      expect(parties[0].state.sparse.epoch).toBeGreaterThan(2);
    },
  );

  it.each(sessions.map((session) => [session.name, session] as const))(
    '%s: a second implementation makes and reads them',
    async (name, session) => {
      const preKey = unhex(session.preKeyPrivate);
      const common = { sharedKey: unhex(session.sharedKey), associatedData: unhex(session.associatedData) };
      const { publicKey } = crypto.x25519.keyPairFromPrivateKey(preKey);
      const parties = [
        new SecondImplementation(true, {
          ...common,
          preKey: publicKey,
          random: streamOf(`${name} initiator`),
        }),
        new SecondImplementation(false, { ...common, preKey, random: streamOf(`${name} responder`) }),
      ] as const;
      await play(
        session,
        (from, text) => parties[from].send(text),
        (to, message) => parties[to].receive(message),
      );
    },
  );
});
