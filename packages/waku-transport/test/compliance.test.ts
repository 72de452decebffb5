import { carrierCases } from '@sotto/compliance/carrier';
import { transportCases } from '@sotto/compliance/transport';
import { defaultProvider } from '@sotto/crypto';
import { describe, it } from 'vitest';
import { createWakuCarrier, createWakuTransport } from '../src/index.js';
import { ScriptedWaku, scriptedRelay } from './scripted-waku.js';

const SLOW = 120_000;
const identity = () => defaultProvider().secp256k1.generateKeyPair();

describe('over scripted light nodes', () => {
  const waku = new ScriptedWaku();
  const interrupt = () => waku.interrupt();

  describe('as a carrier', () => {
    it.each(carrierCases({ history: true, interruptible: true }))(
      '$name',
      ({ run }) => run({ carrier: () => createWakuCarrier(waku.lightNode()), interrupt }),
      SLOW,
    );
  });

  describe('sealed as of RFC 26, without segments', () => {
    it.each(transportCases({ pseudonyms: 'both', history: true, interruptible: true, timeout: SLOW }))(
      '$name',
      ({ run }) =>
        run({
          transport: () => createWakuTransport(waku.lightNode(), { segments: false }),
          identity,
          interrupt,
        }),
      SLOW,
    );
  });

  describe('sealed as of RFC 26, in segments', () => {
    it.each(transportCases({ pseudonyms: 'both', history: true, interruptible: true, timeout: SLOW }))(
      '$name',
      ({ run }) =>
        run({
          transport: () =>
            createWakuTransport(waku.lightNode(), { segments: { maxMessageBytes: 2 * 1024 * 1024 } }),
          identity,
          interrupt,
        }),
      SLOW,
    );
  });

  describe('of which all connections share one', () => {
    const carrier = createWakuCarrier(new ScriptedWaku().lightNode());
    it.each(carrierCases({ history: true }))('$name', ({ run }) => run({ carrier: () => carrier }), SLOW);
  });
});

describe('over scripted relay nodes', () => {
  const relayNode = scriptedRelay();

  it.each(carrierCases())('$name', ({ run }) => run({ carrier: () => createWakuCarrier(relayNode()) }), SLOW);

  describe('of which all connections share one', () => {
    const carrier = createWakuCarrier(relayNode());
    it.each(carrierCases())('$name', ({ run }) => run({ carrier: () => carrier }), SLOW);
  });
});
