import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  countSkipped,
  decodeMemberChain,
  decodeOwnChain,
  encodeMemberChain,
  encodeOwnChain,
} from '../src/index.js';
import { codeOf, Listener, Speaker } from './party.js';

/** A speaker and listeners who are given the chain at some time, over a network that loses, repeats, reorders and alters. */
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('say' as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant('deliver' as const), to: fc.nat(), pick: fc.nat() }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('join' as const), back: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('alter' as const),
      to: fc.nat(),
      pick: fc.nat(),
      bit: fc.nat(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const) }) },
);

it('each listener reads each message from their first on once, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const speaker = new Speaker();
      const sent: Uint8Array[] = [];
      const listeners: { readonly listener: Listener; readonly from: number; readonly heard: string[] }[] =
        [];
      const join = (from: number) =>
        listeners.push({ listener: new Listener(speaker.key(from)), from, heard: [] });
      join(0);
      const deliver = (to: number, index: number) => {
        const { listener, from, heard } = listeners[to % listeners.length] as (typeof listeners)[number];
        const { state } = listener;
        const isNew = index >= from && !heard.includes(`${index}`);
        const code = codeOf(() => heard.push(listener.hear(sent[index] as Uint8Array)));
        expect(code).toBe(isNew ? 'no error' : 'RATCHET_DUPLICATE');
        if (!isNew) expect(listener.state).toBe(state);
      };
      for (const step of actions) {
        if (step.type === 'say') sent.push(speaker.say(`${sent.length}`));
        else if (step.type === 'join') join(Math.max(0, sent.length - step.back));
        else if (step.type === 'restart') {
          speaker.state = decodeOwnChain(encodeOwnChain(speaker.state));
          for (const { listener } of listeners) {
            listener.state = decodeMemberChain(encodeMemberChain(listener.state));
          }
        } else if (sent.length > 0) {
          const index = step.pick % sent.length;
          if (step.type === 'deliver') {
            deliver(step.to, index);
            continue;
          }
          const { listener } = listeners[step.to % listeners.length] as (typeof listeners)[number];
          const { state } = listener;
          const keys = new Map(listener.keys);
          const altered = (sent[index] as Uint8Array).slice();
          const at = (step.bit >> 3) % altered.length;
          altered[at] = (altered[at] as number) ^ (1 << (step.bit & 7));
          expect(codeOf(() => listener.hear(altered))).toMatch(/^[A-Z_]+$/);
          expect(listener.state).toBe(state);
          expect(listener.keys).toEqual(keys);
        }
      }
      for (const [to, { listener, from, heard }] of listeners.entries()) {
        for (let index = from; index < sent.length; index++) {
          if (!heard.includes(`${index}`)) deliver(to, index);
        }
        expect(heard.map(Number).toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: sent.length - from }, (_, i) => from + i),
        );
        expect(listener.keys.size).toBe(0);
        expect(countSkipped(listener.state.skipped)).toBe(0);
      }
    }),
    { numRuns: 100 },
  );
});
