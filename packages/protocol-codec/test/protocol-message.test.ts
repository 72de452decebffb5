import { compareBytes, encodeHex, encodeUtf8 } from '@sotto/core';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Bundle,
  decodeBundle,
  decodeProtocolMessage,
  encodeBundle,
  encodeProtocolMessage,
  type ProtocolMessage,
} from '../src/index.js';
import { bundle as anyBundle, protocolMessage as anyMessage } from './arbitraries.js';
import { refusal } from './errors.js';
import { block } from './wire.js';

const EMPTY: ProtocolMessage = {
  installationId: '',
  bundles: [],
  directMessages: new Map(),
  publicMessage: undefined,
};

function inByteOrder(keys: Iterable<string>): boolean {
  const encoded = [...keys].map(encodeUtf8);
  return encoded.every((key, i) => i === 0 || compareBytes(encoded[i - 1] as Uint8Array, key) < 0);
}

describe.each(loadVectors('protocol-session').cases)('session of deployed peers: $name', (session) => {
  const { alice, bob } = session;
  const messages = session.messages.map((one, index) => ({ ...one, index }));

  it('has messages', () => expect(messages.length).toBeGreaterThan(0));

  it.each(messages)('reads message $index ($kind)', ({ kind, protobuf, payload }) => {
    const message = decodeProtocolMessage(unhex(protobuf));
    expect(message.installationId).toBe(alice.installationId);
    expect(message.bundles.length).toBeGreaterThan(0);
    for (const bundle of message.bundles) {
      expect(encodeHex(bundle.identity)).toBe(alice.identity);
      expect(bundle.signedPreKeys.has(alice.installationId)).toBe(true);
      expect(bundle.signature.length).toBe(65);
      expect(bundle.timestamp).toBeGreaterThanOrEqual(0n);
    }
    if (kind === 'public') {
      expect(message.directMessages.size).toBe(0);
      expect(encodeHex(message.publicMessage ?? new Uint8Array())).toBe(payload);
      return;
    }
    expect(message.publicMessage).toBeUndefined();
    expect(message.directMessages.size).toBeGreaterThan(0);
    for (const [installationId, { x3dhHeader, drHeader, dhHeader, payload }] of message.directMessages) {
      expect(payload.length).toBeGreaterThan(0);
      if (installationId === 'none') {
        expect(dhHeader?.key.length).toBe(33);
        expect([x3dhHeader, drHeader]).toEqual([undefined, undefined]);
      } else {
        expect(dhHeader).toBeUndefined();
        expect(drHeader?.key.length).toBe(33);
        if (x3dhHeader !== undefined) expect(x3dhHeader.id).toEqual(drHeader?.id);
      }
      if (installationId === bob.installationId) {
        const preKeys = bob.signedPreKeys.map((preKey) => preKey.public);
        expect(preKeys).toContain(encodeHex(drHeader?.id ?? new Uint8Array()));
      }
    }
  });

  it.each(messages)('writes message $index so that it reads the same', ({ protobuf }) => {
    const message = decodeProtocolMessage(unhex(protobuf));
    const encoded = encodeProtocolMessage(message);
    expect(decodeProtocolMessage(encoded)).toEqual(message);
    const maps = [message.directMessages, ...message.bundles.map((bundle) => bundle.signedPreKeys)];
    const deprecatedField = protobuf.startsWith('0a');
    if (!deprecatedField && maps.every((map) => inByteOrder(map.keys()))) {
      expect(encodeHex(encoded)).toBe(protobuf);
    }
  });

  it.each([alice, bob])('reads the bundle of $installationId', ({ bundle, identity, installationId }) => {
    const decoded = decodeBundle(unhex(bundle));
    expect(encodeHex(decoded.identity)).toBe(identity);
    expect(decoded.signedPreKeys.has(installationId)).toBe(true);
  });
});

describe('encodeProtocolMessage', () => {
  it('is read back as it was', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(decodeProtocolMessage(encodeProtocolMessage(message))).toEqual(message);
      }),
    );
  });

  it('returns the same bytes whatever the order of the map', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const reversed = { ...message, directMessages: new Map([...message.directMessages].reverse()) };
        expect(encodeProtocolMessage(reversed)).toEqual(encodeProtocolMessage(message));
      }),
    );
  });

  it('does not change its input', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const before = structuredClone(message);
        encodeProtocolMessage(message).fill(0xff);
        expect(message).toEqual(before);
        expect([...message.directMessages.keys()]).toEqual([...before.directMessages.keys()]);
      }),
    );
  });

  it('writes bundles to the field in use and never to the deprecated one', () => {
    fc.assert(
      fc.property(anyBundle, (bundle) => {
        const encoded = encodeProtocolMessage({ ...EMPTY, bundles: [bundle] });
        expect(encoded).toEqual(block(3, encodeBundle(bundle)));
      }),
    );
  });

  it('treats an empty public message as absent', () => {
    const encoded = encodeProtocolMessage({ ...EMPTY, publicMessage: new Uint8Array() });
    expect(decodeProtocolMessage(encoded)).toEqual(EMPTY);
    expect(decodeProtocolMessage(block(102))).toEqual(EMPTY);
  });

  it.each([-1, 1.5, 2 ** 32])('refuses %s as a counter', (counter) => {
    const header = { key: new Uint8Array(33), n: 0, pn: 0, id: new Uint8Array(33) };
    for (const drHeader of [
      { ...header, n: counter },
      { ...header, pn: counter },
    ]) {
      const directMessages = new Map([['a', { drHeader, payload: new Uint8Array() }]]);
      refusal('INVALID_ARGUMENT', () => encodeProtocolMessage({ ...EMPTY, directMessages }));
    }
  });

  it('refuses a lone surrogate in an installation id', () => {
    refusal('INVALID_TEXT', () => encodeProtocolMessage({ ...EMPTY, installationId: '\udc00' }));
    const directMessages = new Map([['\udc00', { payload: new Uint8Array() }]]);
    refusal('INVALID_TEXT', () => encodeProtocolMessage({ ...EMPTY, directMessages }));
  });
});

describe('decodeProtocolMessage', () => {
  it('joins the bundles of both fields, the deprecated one last', () => {
    fc.assert(
      fc.property(
        anyBundle,
        fc.array(anyBundle, { maxLength: 2 }),
        (deprecated: Bundle, bundles: Bundle[]) => {
          const encoded = encodeProtocolMessage({ ...EMPTY, bundles });
          const bytes = Uint8Array.of(...block(1, encodeBundle(deprecated)), ...encoded);
          expect(decodeProtocolMessage(bytes).bundles).toEqual([...bundles, deprecated]);
        },
      ),
    );
  });
});
