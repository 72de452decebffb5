import { encodeHex, isSottoError } from '@sotto/core';
import { repetitions } from '@sotto/testing/long';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newParty, type Party, quiet } from './party.js';
import { manualClock } from './support.js';
import { bytesOf, START, textOf } from './world.js';

/** Alice leads; the others come and go. What is sent is told apart by its text. */
const PEOPLE = 5;

const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('say' as const), who: fc.nat(PEOPLE - 1) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('toggle' as const), who: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const), who: fc.nat(PEOPLE - 1) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('away' as const), who: fc.nat(PEOPLE - 1) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('settle' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('wait' as const) }) },
);

type Step = typeof action extends fc.Arbitrary<infer T> ? T : never;

/**
 * Whatever is said, in whatever order it arrives: nobody hears anything twice, all who were in all along hear all of it, and
 * nobody hears what was said when everybody knew that they were out.
 */
async function play(senderKeysFrom: number, seed: number, actions: readonly Step[]) {
  const clock = manualClock(START);
  const network = createMemoryNetwork({ clock, seed, conditions: { reordering: 0.5, duplication: 0.2 } });
  const limits = { senderKeysFrom, senderKeyMessages: 4 };
  const parties: Party[] = [];
  for (let i = 0; i < PEOPLE; i++) {
    parties.push(await newParty(network, `p${i}`, { clock, limits, postQuantum: false }));
  }
  const codes = await Promise.all(parties.map(({ messenger }) => messenger.contacts.ownCode()));
  for (const { messenger } of parties) for (const code of codes) await messenger.contacts.add(code);
  await quiet(network, ...parties);
  const [alice, ...others] = parties as [Party, ...Party[]];
  const keyOf = ({ identity }: Party) => identity.publicKey;
  const { group } = await alice.messenger.groups.create('g', others.map(keyOf));
  const away = new Set<Party>();
  const settle = async () => {
    for (const party of away) network.reconnect(keyOf(party));
    away.clear();
    await quiet(network, ...parties);
    for (const wait of [15_000, 30_000]) {
      await clock.advanceAndRest(wait);
      await quiet(network, ...parties);
    }
  };
  await settle();
  const isIn = parties.map(() => true);
  /** Whether all know who is in. */
  let isSettled = true;
  const wereInAllAlong = parties.map(() => true);
  const said: { readonly text: string; readonly by: number; readonly notFor: readonly number[] }[] = [];
  for (const step of actions) {
    if (step.type === 'settle') {
      await settle();
      isSettled = true;
    } else if (step.type === 'wait') {
      await clock.advanceAndRest(20_000);
    } else {
      const party = parties[step.who] as Party;
      if (step.type === 'say') {
        const text = `${said.length}`;
        const notFor = isSettled ? isIn.flatMap((one, at) => (one ? [] : at)) : [];
        try {
          await party.messenger.send({ kind: 'group', groupId: group.id }, bytesOf(text));
        } catch (error) {
          // Removed, and knows it.
          if (isSottoError(error, 'NOT_PERMITTED')) continue;
          throw error;
        }
        said.push({ text, by: step.who, notFor });
      } else if (step.type === 'toggle') {
        const change = isIn[step.who] ? 'remove' : 'add';
        await alice.messenger.groups[change](group.id, [keyOf(party)]);
        isIn[step.who] = !isIn[step.who];
        wereInAllAlong[step.who] = false;
        isSettled = false;
      } else if (step.type === 'restart') {
        if (!away.has(party)) await party.restart();
      } else {
        network.disconnect(keyOf(party));
        away.add(party);
      }
    }
  }
  await settle();
  await settle();
  for (const [at, party] of parties.entries()) {
    // What was not acknowledged is delivered again after a restart, under the same id.
    const heard = [...new Map(party.messages.map(({ id, payload }) => [id, textOf(payload)])).values()];
    expect(new Set(heard).size).toBe(heard.length);
    const fromSteady = said.filter(({ by }) => by !== at && wereInAllAlong[by]).map(({ text }) => text);
    if (wereInAllAlong[at]) expect(heard).toEqual(expect.arrayContaining(fromSteady));
    const secret = said.filter(({ notFor }) => notFor.includes(at)).map(({ text }) => text);
    expect(heard.filter((text) => secret.includes(text))).toEqual([]);
    const { members } = await party.messenger.groups.get(group.id);
    if (isIn[at]) {
      expect(members.map(encodeHex).toSorted()).toEqual(
        parties
          .filter((_, i) => isIn[i])
          .map((one) => encodeHex(keyOf(one)))
          .toSorted(),
      );
    }
  }
  for (const { messenger } of parties) await messenger.close();
}

describe.each([
  ['each member is written to', Number.POSITIVE_INFINITY],
  ['all are written to at once', 1],
  ['both, as it grows and shrinks', 4],
])('a group in which %s', (_, senderKeysFrom) => {
  it('keeps its promises whatever happens', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1000), fc.array(action, { minLength: 5, maxLength: 30 }), (seed, actions) =>
        play(senderKeysFrom, seed, actions),
      ),
      { numRuns: repetitions(8, 40) },
    );
  }, 600_000);
});
