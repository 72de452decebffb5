import { decodeHex, encodeHex, type PublicKey, silentLogger } from '@sotto/core';
import type { Transaction } from '@sotto/device';
import { openMessengerDevice } from '@sotto/device/internal';
import type { GroupLog } from '@sotto/group-log';
import { decodeMessage, decodeSenderKey, type SenderKeyMessage } from '@sotto/sender-keys';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { describe, expect, it } from 'vitest';
import { type ChainInUse, OwnChains } from '../src/groups/own-chains.js';
import { chainRecipientsTable } from '../src/groups/tables.js';
import type { DEFAULT_LIMITS } from '../src/index.js';
import { Events } from '../src/runtime/events.js';
import { Runtime } from '../src/runtime/runtime.js';
import { settingsOf } from './settings.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, DAY, MINUTE, newNode, START } from './world.js';

const GROUP = '0a'.repeat(32);

/** Our chains in a group of us and three people with a device each, which is named as they are. */
async function bed(limits: Partial<typeof DEFAULT_LIMITS> = {}) {
  const clock = manualClock(START);
  const identity = crypto.secp256k1.generateKeyPair();
  const real = await openMessengerDevice({
    identity,
    installationId: 'me',
    store: createMemoryStore(),
    crypto,
    clock,
  });
  let looks = 0;
  const device = new Proxy(real, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (name === 'activeInstallations') looks++;
        return value.apply(target, args);
      };
    },
  });
  const events = new Events(silentLogger);
  const settings = settingsOf(identity, clock, { senderKeysFrom: 2, ...limits });
  const chains = new OwnChains({ device, events, runtime: new Runtime(device, events, clock), settings });
  const meet = async (name: string, of = crypto.secp256k1.generateKeyPair()) => {
    const node = await newNode(name, { identity: of, clock });
    const bundle = await node.device.read((tx) => node.device.bundle(tx));
    await real.transaction((tx) => real.processBundle(tx, bundle));
    return of.publicKey;
  };
  const people: PublicKey[] = [];
  for (const name of ['a', 'b', 'c']) people.push(await meet(name));
  const group = { members: [identity.publicKey, ...people].map(encodeHex), hash: 1 };
  const log = () => {
    const { members, hash } = group;
    return {
      groupId: GROUP,
      state: { name: 'g', members, admins: [] },
      membershipHash: new Uint8Array(32).fill(hash),
      isMember: (name: string) => members.includes(name),
    } as unknown as GroupLog;
  };
  const act = <T>(run: (tx: Transaction) => Promise<T>) => real.transaction(run);
  /** The chain in use, and how many members were looked at for it. */
  const ready = async () => {
    looks = 0;
    const inUse = await act((tx) => chains.ready(tx, log()));
    return { inUse, name: encodeHex(inUse.chain.chain), lacking: inUse.recipients.lacking, looks };
  };
  const give = (inUse: ChainInUse, member: PublicKey, ...devices: readonly string[]) =>
    act(async (tx) =>
      chains.noteGiven(
        tx,
        inUse,
        member,
        devices.map((installationId) => ({ installationId, sent: 'pq' as const })),
      ),
    );
  /** Gives the chain to all who lack it: to the device of each of the people, and to these of ours. */
  const giveAll = async (...own: readonly string[]) => {
    let { inUse } = await ready();
    for (const member of inUse.recipients.lacking as PublicKey[]) {
      const at = people.findIndex((one) => encodeHex(one) === encodeHex(member));
      inUse = await give(inUse, member, ...(at < 0 ? own : (['a', 'b', 'c'][at] as string)));
    }
    return inUse;
  };
  const enable = (installationId: string, enabled: boolean) =>
    act((tx) => real.updateDevice(tx, identity.publicKey, installationId, { enabled }));
  return { clock, identity, real, chains, meet, people, group, log, act, ready, give, giveAll, enable };
}

describe('the chain in use', () => {
  it('takes a look at each member once in ten minutes, and when the membership has changed', async () => {
    const { clock, group, ready, giveAll, people } = await bed();
    expect(await ready()).toMatchObject({ looks: 4, lacking: people });
    await giveAll();
    const { name } = await ready();
    expect(await ready()).toMatchObject({ looks: 1, lacking: [], name });
    clock.advance(10 * MINUTE - 1);
    expect(await ready()).toMatchObject({ looks: 1, name });
    clock.advance(1);
    expect(await ready()).toMatchObject({ looks: 4, name });
    expect(await ready()).toMatchObject({ looks: 1, name });
    group.hash++;
    expect(await ready()).toMatchObject({ looks: 4, lacking: [], name });
    expect(await ready()).toMatchObject({ looks: 1, name });
  });

  it('tells for a while that the membership has changed, from when we noticed that', async () => {
    const { chains, clock, group, ready, giveAll } = await bed({ groupNewsIntervalMs: DAY });
    await giveAll();
    const changedLately = async () => chains.changedLately((await ready()).inUse);
    expect(await changedLately()).toBe(true);
    clock.advance(DAY - 1);
    expect(await changedLately()).toBe(true);
    clock.advance(1);
    expect(await changedLately()).toBe(false);
    group.hash++;
    expect(await changedLately()).toBe(true);
  });

  it('is replaced when somebody who was given it is no longer a member, and not for somebody who was not', async () => {
    const { group, ready, give, people } = await bed();
    const { inUse, name } = await ready();
    await give(inUse, people[0]!, 'a');
    const remove = (at: number) => {
      const gone = encodeHex(people[at]!);
      group.members = group.members.filter((one) => one !== gone);
      group.hash++;
    };
    remove(2);
    expect(await ready()).toMatchObject({ name, lacking: [people[1]] });
    remove(0);
    expect((await ready()).name).not.toBe(name);
  });

  it('is given to our other devices at once, and replaced when one that has it is unlinked', async () => {
    const { identity, ready, meet, enable, giveAll } = await bed();
    await giveAll();
    const { name } = await ready();
    for (const one of ['laptop', 'tablet']) {
      await meet(one, identity);
      await enable(one, true);
      expect(await ready()).toMatchObject({ looks: 1 + 4, lacking: [identity.publicKey], name });
      await giveAll('laptop', ...(one === 'tablet' ? ['tablet'] : []));
      expect(await ready()).toMatchObject({ looks: 1, lacking: [], name });
    }
    await meet('phone', identity);
    await enable('phone', true);
    await enable('phone', false);
    expect(await ready()).toMatchObject({ looks: 1, lacking: [], name });
    await enable('tablet', false);
    expect((await ready()).name).not.toBe(name);
  });

  it('is replaced after a time, after a number of messages, and when nobody knows who has it', async () => {
    const { clock, chains, act, log, ready, giveAll } = await bed({ senderKeyMessages: 2, senderKeyMs: DAY });
    const names = [(await ready()).name];
    const isReplaced = async () => {
      names.push((await ready()).name);
      return names.at(-1) !== names.at(-2);
    };
    await giveAll();
    clock.advance(DAY - 1);
    expect(await isReplaced()).toBe(false);
    clock.advance(1);
    expect(await isReplaced()).toBe(true);
    for (const expected of [false, true]) {
      const { inUse } = await ready();
      await act((tx) => chains.seal(tx, inUse, bytesOf('hi')));
      expect(await isReplaced()).toBe(expected);
    }
    await act(async (tx) => tx.delete(chainRecipientsTable, GROUP, names.at(-1) as string));
    expect(await isReplaced()).toBe(true);
    // The last three are kept, and who was given them: of one of these nobody knows it.
    const distinct = [...new Set(names)];
    expect(distinct).toHaveLength(4);
    const own = await act((tx) =>
      Promise.all(distinct.map((name) => chains.isOwn(tx, GROUP, decodeHex(name)))),
    );
    expect(own).toEqual([false, true, false, true]);
    expect(await act((tx) => tx.keys(chainRecipientsTable, [GROUP]))).toHaveLength(2);
    await act((tx) => chains.forget(tx, GROUP));
    expect(await act((tx) => tx.keys(chainRecipientsTable, [GROUP]))).toEqual([]);
    expect(await act((tx) => chains.readyIfUsed(tx, log()))).toBeUndefined();
  });
});

describe('who was given a chain', () => {
  it('is named once, with all devices it was sent to, and may read from where they were given it first', async () => {
    const { chains, act, ready, give, giveAll, people } = await bed();
    await giveAll();
    const { inUse } = await ready();
    await act((tx) => chains.seal(tx, inUse, bytesOf('one')));
    const later = (await ready()).inUse;
    const [member] = people as [PublicKey];
    const again = await give(later, member, 'a', 'a2');
    expect(decodeSenderKey(chains.keyFor(again, member)).index).toBe(0);
    const newcomer = crypto.secp256k1.generateKeyPair().publicKey;
    expect(decodeSenderKey(chains.keyFor(again, newcomer)).index).toBe(1);
    const result = (...devices: readonly string[]) => ({
      devices: devices.map((installationId) => ({ installationId, sent: 'pq' })),
      sealedSender: false,
    });
    const outcomes = new Map(
      chains.outcomes((await ready()).inUse).map((one) => [encodeHex(one.member), one.result]),
    );
    expect(outcomes).toEqual(
      new Map([
        [encodeHex(people[1]!), result('b')],
        [encodeHex(people[2]!), result('c')],
        [encodeHex(member), result('a', 'a2')],
      ]),
    );
  });

  it('is not a device that could not be reached', async () => {
    const { chains, act, ready, people } = await bed();
    const { inUse } = await ready();
    const [member] = people as [PublicKey];
    const noted = await act(async (tx) =>
      chains.noteGiven(tx, inUse, member, [
        { installationId: 'gone', failed: new Error('gone') as never },
        { installationId: 'a', sent: 'x3dh+dr' },
      ]),
    );
    expect(chains.outcomes(noted)).toEqual([
      { member, result: { devices: [{ installationId: 'a', sent: 'dr' }], sealedSender: false } },
    ]);
    expect(noted.recipients.lacking).toEqual(people.slice(1));
  });
});

describe('who is no longer a member', () => {
  it('is given nothing once more; the chain is replaced if it is one that they have, though they be back before we write', async () => {
    const { chains, act, log, ready, giveAll, people } = await bed();
    const [first, second] = people.map(encodeHex) as [string, string];
    const noteGone = (...gone: readonly string[]) => act((tx) => chains.noteGone(tx, GROUP, new Set(gone)));
    const givenFrom = async (name: string, member: PublicKey) => {
      const chain = await act((tx) => chains.requested(tx, log(), decodeHex(name)));
      return chain && decodeSenderKey(chains.keyFor(chain, member)).index;
    };
    await noteGone(first);
    const names: string[] = [];
    for (const gone of [[first], [second]]) {
      await giveAll();
      const { inUse, name } = await ready();
      names.push(name);
      await act((tx) => chains.seal(tx, inUse, bytesOf('one')));
      await noteGone(encodeHex(crypto.secp256k1.generateKeyPair().publicKey));
      expect((await ready()).name).toBe(name);
      await noteGone(...gone);
      const after = await ready();
      expect(after.name).not.toBe(name);
      expect(after.lacking).toEqual(people);
      // The one in use is one that they don't have.
      await noteGone(...gone);
      expect((await ready()).name).toBe(after.name);
    }
    const [one, two] = names as [string, string];
    expect(await Promise.all(people.map((member) => givenFrom(one, member)))).toEqual([1, 1, 0]);
    expect(await Promise.all(people.map((member) => givenFrom(two, member)))).toEqual([0, 1, 0]);
  });
});

describe('a message of our identity', () => {
  it('under the chain in use retires it from the first that we have not written; others tell nothing', async () => {
    const { chains, act, ready, giveAll } = await bed();
    await giveAll();
    const { inUse, name } = await ready();
    const sealed = decodeMessage(await act((tx) => chains.seal(tx, inUse, bytesOf('one'))));
    const see = (message: SenderKeyMessage) => act((tx) => chains.recognise(tx, GROUP, message));
    const at = (index: number, chain = sealed.chain): SenderKeyMessage => ({ ...sealed, chain, index });
    expect(await see(at(5, crypto.secp256k1.generateKeyPair().publicKey))).toBe(false);
    expect(await see(at(0))).toBe(true);
    expect((await ready()).name).toBe(name);
    expect(await see(at(1))).toBe(true);
    expect((await ready()).name).not.toBe(name);
    expect(await see(at(7))).toBe(true);
  });
});
