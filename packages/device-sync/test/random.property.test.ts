import { randomInt } from 'node:crypto';
import { encodeHex, isSottoError } from '@sotto/core';
import { manualClock } from '@sotto/testing/clock';
import { repetitions } from '@sotto/testing/long';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Device, direct, newDevice, newIdentity, pair, quiet, stateOf } from './devices.js';

/** How many scenarios; more with SOTTO_MODEL_RUNS, in nightly runs and before a release. */
const RUNS = Number(process.env['SOTTO_MODEL_RUNS'] ?? repetitions(4, 40));
/** Printed with each failure; set it to see the same scenarios again. */
const SEED = Number(process.env['SOTTO_MODEL_SEED'] ?? randomInt(2 ** 31));

const PEOPLE = Array.from({ length: 3 }, newIdentity);
const CHATS = ['sailing', 'rowing'];

const ACTIONS = [
  'add',
  'remove',
  'verify',
  'mismatch',
  'clear',
  'block',
  'unblock',
  'accept',
  'draft',
  'send',
  'mute',
  'join',
  'leave',
] as const;
const EVENTS = ['hear', 'read', 'lose', 'find', 'restart', 'jump', 'settle', 'flush', 'compare'] as const;
type Step = { readonly what: (typeof ACTIONS)[number] | (typeof EVENTS)[number]; who: number; whom: number };

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...ACTIONS) },
    { weight: 2, arbitrary: fc.constantFrom(...EVENTS) },
  ),
  who: fc.nat({ max: 2 }),
  whom: fc.nat({ max: 5 }),
});

async function act(device: Device, { what, whom }: Step, count: number): Promise<void> {
  const { conversations } = device;
  const person = PEOPLE[whom % PEOPLE.length] as (typeof PEOPLE)[number];
  const { publicKey } = person;
  const conversation = direct({ identity: person });
  const chat = { kind: 'public', name: CHATS[whom % CHATS.length] as string } as const;
  const isContact = conversations.person(publicKey).contact;
  switch (what) {
    case 'add':
      if (!conversations.person(publicKey).blocked)
        await conversations.addContact(publicKey, `name ${count}`);
      return;
    case 'remove':
      if (isContact) await conversations.removeContact(publicKey);
      return;
    case 'verify':
      if (isContact) await conversations.setVerified(publicKey, true);
      return;
    case 'mismatch':
      return conversations.reportMismatch(publicKey);
    case 'clear':
      return conversations.clearMismatch(publicKey);
    case 'block':
      return conversations.block(publicKey);
    case 'unblock':
      return conversations.unblock(publicKey);
    case 'accept':
      return conversations.accept(publicKey);
    case 'draft':
      await conversations.open(conversation);
      return conversations.setDraft(conversation, `draft ${count}`);
    case 'send':
      await conversations.send(conversation, `text ${count}`);
      return;
    case 'mute':
      await conversations.open(conversation);
      return conversations.setMuted(conversation, whom % 2 === 0 ? Number.POSITIVE_INFINITY : 0);
    case 'join':
      await conversations.open(chat);
      return;
    case 'leave':
      return conversations.remove(chat);
  }
}

/** What devices agree on, also what is not in the lists. */
async function allOf(device: Device) {
  const { conversations, messenger } = device;
  const people = [];
  for (const { publicKey } of PEOPLE) {
    const person = conversations.person(publicKey);
    const conversation = { kind: 'direct', peer: publicKey } as const;
    people.push({
      ...person,
      identity: encodeHex(publicKey),
      accepted: person.blocked || (await messenger.requests.isAccepted(publicKey)),
      draft: conversations.draft(conversation),
      muted: conversations.mutedUntil(conversation),
    });
  }
  return { people, chats: stateOf(device).chats };
}

it(`devices agree whatever is done where, and lost (seed ${SEED}, ${RUNS} runs)`, async () => {
  process.stdout.write(`devices: seed ${SEED}, ${RUNS} runs\n`);
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 40 }),
      fc.boolean(),
      async (steps, status) => {
        const network = createMemoryNetwork({ clock: manualClock() });
        const identity = newIdentity();
        const devices: Device[] = [];
        for (let i = 1; i <= 3; i++)
          devices.push(await newDevice(network, `alice-${i}`, identity, { status }));
        await pair(network, ...devices);
        const bob = await newDevice(network, 'bob-1', newIdentity(), { sync: false, status });
        const [phone] = devices as [Device, ...Device[]];
        await phone.conversations.addContact(await bob.messenger.contacts.ownCode(), 'Bob');
        await bob.conversations.addContact(await phone.messenger.contacts.ownCode(), 'Alice');
        await phone.conversations.send(direct(bob), 'hi');
        await quiet(network, ...devices, bob);
        for (const [count, one] of steps.entries()) {
          const device = devices[one.who] as Device;
          if (one.what === 'hear') await bob.conversations.send(direct(device), `hello ${count}`);
          else if (one.what === 'read') await device.conversations.markRead(direct(bob));
          else if (one.what === 'lose') device.isMute = true;
          else if (one.what === 'find') device.isMute = false;
          else if (one.what === 'jump') device.clock.jump((one.whom - 2) * 3_600_000);
          else if (one.what === 'settle') await quiet(network, ...devices, bob);
          else if (one.what === 'flush') await device.sync?.flush();
          else if (one.what === 'compare') await device.sync?.compare();
          else if (one.what === 'restart') {
            await device.stop();
            await device.open();
          } else {
            await act(device, one, count).catch((error) => {
              // A contact may be removed by another device meanwhile.
              if (!isSottoError(error, 'NOT_FOUND')) throw error;
            });
          }
        }
        for (const device of devices) device.isMute = false;
        for (const device of devices) {
          await quiet(network, ...devices, bob);
          await device.sync?.compare();
        }
        await quiet(network, ...devices, bob);
        const [first, ...others] = devices as [Device, ...Device[]];
        const expected = await allOf(first);
        for (const other of others) expect(await allOf(other)).toEqual(expected);
        // Whatever was read where, all is read once it is on one of them.
        await first.conversations.markRead(direct(bob));
        await quiet(network, ...devices, bob);
        for (const device of devices) expect(device.conversations.get(direct(bob))?.unread ?? 0).toBe(0);
        // They say nothing more.
        for (const device of devices) device.sent.length = 0;
        await quiet(network, ...devices, bob);
        expect(devices.map(({ sent }) => sent)).toEqual([[], [], []]);
        for (const device of [...devices, bob]) await device.stop();
      },
    ),
    { numRuns: RUNS, seed: SEED, endOnFailure: process.env['SOTTO_MODEL_SHRINK'] !== '1' },
  );
}, 3_600_000);
