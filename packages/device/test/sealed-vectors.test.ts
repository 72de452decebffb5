import { readFileSync } from 'node:fs';
import { encodeHex, isSottoError } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { decodeProtocolMessage } from '@sotto/protocol-codec';
import { unhex } from '@sotto/testing/vectors';
import { describe, expect, it } from 'vitest';
import { NegotiatedSecrets } from '../src/negotiated-secrets.js';
import { sealMessage, unsealMessage } from '../src/sealed/sealed-message.js';
import { SealingKeys, sealingDay } from '../src/sealed/sealing-keys.js';
import { decodeSessionContent, encodeSessionContent } from '../src/sealed/session-content.js';
import {
  deriveKeys,
  open,
  recompute,
  type SealedInputs,
  type SealedOutputs,
  seal,
} from './sealed/second-implementation.mjs';
import { pair, writeTo } from './sealed/support.js';
import { crypto, type Node, read, readText, refused, START } from './world.js';

interface Vectors {
  readonly cases: readonly {
    readonly name: string;
    readonly inputs: SealedInputs;
    readonly outputs: SealedOutputs;
  }[];
  /** From the sender of the first case to its recipient, so it seems. */
  readonly refused: readonly { readonly name: string; readonly sealed: string }[];
}

const vectors: Vectors = JSON.parse(readFileSync(new URL('./sealed/vectors.json', import.meta.url), 'utf8'));

/** The keys as one of the two derives them. */
const keysOf = (privateKey: string) => {
  const identity = crypto.secp256k1.keyPairFromPrivateKey(unhex(privateKey));
  return new SealingKeys(crypto, identity.publicKey, new NegotiatedSecrets(crypto, identity));
};

const directionOf = ({ senderPrivate, recipientPrivate }: SealedInputs) => {
  const publicKey = (privateKey: string) =>
    crypto.secp256k1.keyPairFromPrivateKey(unhex(privateKey)).publicKey;
  return { sender: publicKey(senderPrivate), recipient: publicKey(recipientPrivate) };
};

describe('vectors of sealed messages', () => {
  it.each(vectors.cases.map((one) => [one.name, one] as const))(
    '%s: a second implementation comes to the same',
    async (_, { inputs, outputs }) => {
      expect(await recompute(inputs)).toEqual(outputs);
      const { sender, recipient, day, sealed } = outputs;
      const { key } = await deriveKeys(inputs.recipientPrivate, sender, { sender, recipient, day });
      const { time, message } = inputs;
      expect(await open(key, sealed)).toEqual({ day, time, message });
    },
  );

  it.each(vectors.cases.map((one) => [one.name, one] as const))(
    '%s: this implementation seals and opens it',
    (_, { inputs, outputs }) => {
      const direction = directionOf(inputs);
      expect(encodeHex(direction.sender)).toBe(outputs.sender);
      expect(encodeHex(direction.recipient)).toBe(outputs.recipient);
      expect(sealingDay(inputs.time)).toBe(outputs.day);
      const message = unhex(inputs.message);
      const drawing = createPortableProvider({ random: () => unhex(inputs.nonce) });
      const keys = keysOf(inputs.senderPrivate);
      expect(encodeHex(sealMessage(drawing, keys, direction, message, inputs.time))).toBe(outputs.sealed);
      for (const privateKey of [inputs.senderPrivate, inputs.recipientPrivate]) {
        const { signer, key } = keysOf(privateKey).get(direction, outputs.day);
        expect(encodeHex(signer.privateKey)).toBe(outputs.pseudonymPrivate);
        expect(encodeHex(signer.publicKey)).toBe(outputs.pseudonym);
        expect(encodeHex(key)).toBe(outputs.key);
        expect(unsealMessage(crypto, keysOf(privateKey), direction, unhex(outputs.sealed))).toEqual({
          message,
          sealedAt: inputs.time,
        });
      }
      const { bundles, directMessages } = decodeProtocolMessage(message);
      expect(bundles).toEqual([]);
      expect([...directMessages.values()].every(({ hybridHeader }) => hybridHeader !== undefined)).toBe(true);
      const content = decodeSessionContent(direction.sender, unhex(outputs.sessionContent));
      expect(encodeHex(content.payload)).toBe(inputs.payload);
      expect(encodeHex(encodeSessionContent(content))).toBe(outputs.sessionContent);
    },
  );

  it.each(vectors.refused.map((one) => [one.name, one.sealed] as const))('refused: %s', (_, sealed) => {
    const { inputs } = vectors.cases[0] as Vectors['cases'][number];
    const attempt = () =>
      unsealMessage(crypto, keysOf(inputs.recipientPrivate), directionOf(inputs), unhex(sealed));
    expect(attempt).toThrow(expect.objectContaining({ code: 'MALFORMED_MESSAGE' }));
  });
});

describe('a device and the second implementation', () => {
  const nonce = '0102030405060708090a0b0c';

  const keyOf = async (alice: Node, bob: Node, day = sealingDay(START)) => {
    const [sender, recipient] = [alice, bob].map(({ identity }) => encodeHex(identity.publicKey)) as [
      string,
      string,
    ];
    return (await deriveKeys(encodeHex(bob.identity.privateKey), sender, { sender, recipient, day })).key;
  };

  it('open what the other has sealed', async () => {
    const { alice, bob } = await pair();
    const { message, sealed } = await writeTo(alice, bob, 'x');
    expect(sealed).toBe(true);
    const key = await keyOf(alice, bob);
    const opened = await open(key, encodeHex(message));
    expect(opened).toMatchObject({ day: sealingDay(START), time: START });
    const again = await seal(key, { ...opened, nonce });
    expect(again).not.toBe(encodeHex(message));
    expect(await readText(bob, alice, unhex(again))).toBe('pq: x');
    expect(await refused(bob, () => read(bob, alice.identity.publicKey, message))).toBe('DUPLICATE_MESSAGE');
  });

  it('refuse what is sealed with the key of another day', async () => {
    const { alice, bob } = await pair();
    const { message } = await writeTo(alice, bob, 'x');
    const opened = await open(await keyOf(alice, bob), encodeHex(message));
    const other = await keyOf(alice, bob, opened.day + 1);
    const sealed = await seal(other, { ...opened, nonce });
    const error = await read(bob, alice.identity.publicKey, unhex(sealed)).catch((cause) => cause);
    expect(isSottoError(error, 'MALFORMED_MESSAGE')).toBe(true);
    await expect(open(other, encodeHex(message))).rejects.toThrow();
  });
});
