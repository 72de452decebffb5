import {
  type Clock,
  decodeUtf8,
  encodeBase64,
  encodeUtf8,
  isSottoError,
  type KeyPair,
  type Store,
  type Transport,
} from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger, type Messenger, writeAccount } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { type ManualClock, manualClock, rest, settableClock } from '@sotto/testing/clock';
import { keptView } from '@sotto/testing/stores';
import { createMemoryNetwork, type MemoryNetwork } from '@sotto/whisper-transport/memory';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameOf, shownName } from '../src/device-name.js';
import {
  cleanUpLinkStore,
  encodeLinkCode,
  type HandOverOptions,
  handOverAccount,
  pairDevice,
  parseLinkCode,
  type ReceiveAccountOptions,
  receiveAccount,
} from '../src/index.js';
import { decodeLinkMessage, encodeLinkMessage } from '../src/messages.js';

const crypto = defaultProvider();
const HISTORY = 40;

async function recordsOf(store: Store, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

/** An account in use: with a contact, a group, a chat and a history. */
async function newAccount(network: MemoryNetwork, clock: Clock, history = HISTORY) {
  const store = createMemoryStore();
  const identity = crypto.secp256k1.generateKeyPair();
  const messenger = await createMessenger({
    identity,
    store: keptView(store),
    transport: network.transport(),
    crypto,
    clock,
  });
  await messenger.start();
  const friend = crypto.secp256k1.generateKeyPair().publicKey;
  await messenger.contacts.add(friend);
  await messenger.groups.create('sailors', [friend]);
  await messenger.chats.join('harbour');
  const entries = Array.from({ length: history }, (_, i) => ({
    type: 'put' as const,
    key: `app/history/${String(i).padStart(4, '0')}`,
    value: new Uint8Array(4_000).fill(i),
  }));
  await store.commit(entries);
  await writeAccount(store, identity, crypto);
  return { store, identity, messenger, friend };
}

/** Runs two sides until both have settled, with a clock that goes on by itself. */
async function settle<T>(
  clock: ManualClock,
  ...sides: readonly Promise<T>[]
): Promise<PromiseSettledResult<T>[]> {
  let isOver = false;
  const all = Promise.allSettled(sides).then((results) => {
    isOver = true;
    return results;
  });
  for (let round = 0; !isOver && round < 4_000; round++) {
    await rest();
    if (round % 4 === 3) clock.advance(1_000);
  }
  expect(isOver).toBe(true);
  return all;
}

const codeOf = (result: PromiseSettledResult<unknown> | undefined): string => {
  if (result?.status !== 'rejected') return result?.status ?? 'missing';
  const { reason } = result;
  return isSottoError(reason, 'DEVICE_NOT_LINKED')
    ? reason.details.reason
    : isSottoError(reason)
      ? reason.code
      : `${reason}`;
};

interface World {
  readonly clock: ManualClock;
  readonly network: MemoryNetwork;
  readonly account: Awaited<ReturnType<typeof newAccount>>;
}

async function newWorld(
  options: Parameters<typeof createMemoryNetwork>[0] = {},
  history = HISTORY,
): Promise<World> {
  const clock = manualClock();
  const network = createMemoryNetwork({ clock, ...options });
  return { clock, network, account: await newAccount(network, clock, history) };
}

/** The two sides, once: `code` is what the new one shows. */
function link(
  { clock, network, account }: World,
  over: {
    readonly received?: Partial<ReceiveAccountOptions>;
    readonly handedOver?: Partial<HandOverOptions>;
    readonly onCode?: (code: string) => void;
  } = {},
) {
  const accountStore = createMemoryStore();
  const common = { transport: network.transport(), crypto, clock };
  let show: (code: string) => void = () => {};
  const shown = new Promise<string>((resolve) => {
    show = resolve;
  });
  const received = receiveAccount({
    ...common,
    linkStore: createMemoryStore(),
    accountStore,
    deviceName: 'new phone',
    onCode: (code) => {
      over.onCode?.(code);
      show(code);
    },
    confirm: () => true,
    ...over.received,
  }).then(async (account) => {
    await account.finish('installation-of-new');
    return account;
  });
  const handedOver = shown.then((code) =>
    handOverAccount({
      ...common,
      linkStore: createMemoryStore(),
      deviceName: 'old laptop',
      account: {
        store: account.store,
        identity: account.identity,
        installationId: account.messenger.installationId,
      },
      code,
      confirm: () => true,
      ...over.handedOver,
    }),
  );
  return { accountStore, received, handedOver, shown };
}

describe('a device that is linked', () => {
  it('has the account, contacts, groups, chats and history of the old one, and both copy to each other', async () => {
    const world = await newWorld();
    const { account, network, clock } = world;
    const progress: number[] = [];
    const offers: string[] = [];
    const { accountStore, received, handedOver } = link(world, {
      received: {
        onProgress: ({ done, total }) => progress.push(done / total),
        confirm: ({ identity, deviceName, bytes }) => {
          offers.push(deviceName);
          expect(identity).toEqual(account.identity.publicKey);
          expect(bytes).toBeGreaterThan(HISTORY * 4_000);
          return true;
        },
      },
    });
    const [got, gave] = await settle<unknown>(clock, received, handedOver);
    expect([codeOf(got), codeOf(gave)]).toEqual(['fulfilled', 'fulfilled']);
    expect(offers).toEqual(['old laptop']);
    expect(await handedOver).toEqual({ installationId: 'installation-of-new', name: 'new phone' });
    expect(progress.at(-1)).toBe(1);
    expect(progress.length).toBeGreaterThan(3);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    const { identity, oldInstallationId } = await received;
    expect(identity.privateKey).toEqual(account.identity.privateKey);
    expect(await recordsOf(accountStore, 'app/history/')).toHaveLength(HISTORY);

    const fresh = await createMessenger({
      identity,
      store: accountStore,
      transport: network.transport(),
      crypto,
      clock,
    });
    await fresh.start();
    expect((await fresh.contacts.list()).map(({ identity }) => identity)).toEqual([account.friend]);
    expect(fresh.chats.list()).toEqual(['harbour']);
    expect((await fresh.groups.list()).map(({ name }) => name)).toEqual(['sailors']);
    const paired = [
      pairDevice(account.messenger, fresh.installationId, { name: 'new phone' }),
      pairDevice(fresh, oldInstallationId, { name: 'old laptop' }),
    ];
    await fresh.devices.announce();
    await account.messenger.devices.announce();
    await settle<unknown>(clock, ...paired);
    const heard: string[] = [];
    const listen = (who: string, messenger: Messenger) =>
      messenger.on('message', async (message) => {
        if (message.ownCopy) heard.push(`${who}: ${new TextDecoder().decode(message.payload)}`);
        await message.acknowledge();
      });
    listen('old', account.messenger);
    listen('new', fresh);
    await fresh.send(account.friend, encodeUtf8('from the new one'));
    await account.messenger.send(account.friend, encodeUtf8('from the old one'));
    for (let i = 0; i < 20; i++) await rest();
    expect(heard.sort()).toEqual(['new: from the old one', 'old: from the new one']);
    await Promise.all([fresh.close(), account.messenger.close()]);
  });

  it('leaves nothing in the stores of the linking but the result, which is returned again for an hour', async () => {
    const world = await newWorld();
    const { clock, network, account } = world;
    const [one, other] = [createMemoryStore(), createMemoryStore()];
    const { received, handedOver, shown } = link(world, {
      received: { linkStore: one },
      handedOver: { linkStore: keptView(other) },
    });
    await settle<unknown>(clock, received, handedOver);
    expect([await recordsOf(one, ''), await recordsOf(other, '')]).toEqual([[], ['app/link/state']]);
    const [linked, code] = [await handedOver, await shown];
    const { secret } = parseLinkCode(crypto, code);
    const record = JSON.parse(decodeUtf8((await other.get('app/link/state'))?.value as Uint8Array));
    expect(Object.keys(record).sort()).toEqual(['installationId', 'name', 'peer', 'phase', 'until']);
    expect(JSON.stringify(record)).not.toContain(encodeBase64(secret));

    // A process that was killed before it had the result, with a record that was not deleted yet.
    await other.commit([{ type: 'put', key: 'app/link/piece/000000', value: Uint8Array.of(1) }]);
    expect(await cleanUpLinkStore(other, { clock })).toBe(true);
    const again = await handOverAccount({
      ...{ linkStore: other, transport: network.transport(), deviceName: 'old laptop', crypto, clock },
      account: { store: account.store, identity: account.identity, installationId: 'old' },
      code,
      confirm: () => expect.unreachable(),
    });
    expect(again).toEqual(linked);
    expect(await recordsOf(other, '')).toEqual(['app/link/state']);
    clock.advance(60 * 60_000);
    expect(await cleanUpLinkStore(other, { clock })).toBe(false);
    expect(await recordsOf(other, '')).toEqual([]);
  });

  it.each([
    ['loses a third', { loss: 0.33 }],
    ['repeats and reorders', { duplication: 0.5, reordering: 0.5 }],
    ['is slow', { latency: { min: 1_000, max: 9_000 } }],
  ])('is linked over a network that %s', async (_, conditions) => {
    const world = await newWorld({ conditions, seed: 5 });
    const { received, handedOver, accountStore } = link(world);
    const [got, gave] = await settle<unknown>(world.clock, received, handedOver);
    expect([codeOf(got), codeOf(gave)]).toEqual(['fulfilled', 'fulfilled']);
    expect(await recordsOf(accountStore, 'app/history/')).toHaveLength(HISTORY);
  });

  it('is linked over a transport of small messages', async () => {
    const world = await newWorld({ maxPayloadBytes: 12_000 }, 10);
    const { received, handedOver } = link(world);
    const [got, gave] = await settle<unknown>(world.clock, received, handedOver);
    expect([codeOf(got), codeOf(gave)]).toEqual(['fulfilled', 'fulfilled']);
  });
});

describe('a code', () => {
  it('is of no use to whoever reads it second', async () => {
    const world = await newWorld();
    const thief = { ...world, account: await newAccount(world.network, world.clock) };
    let code = '';
    const honest = link(world, {
      onCode: (shown) => {
        code = shown;
      },
    });
    await settle<unknown>(world.clock, honest.received, honest.handedOver);
    const late = link(thief, { handedOver: { code } });
    late.received.catch(() => undefined);
    const [gave] = await settle<unknown>(world.clock, late.handedOver);
    expect(codeOf(gave)).toBe('expired');
    expect(await recordsOf(honest.accountStore, 'app/history/')).toHaveLength(HISTORY);
  });

  it('read by a thief first brings the account of the thief, which the user is shown and declines; the rightful one is told', async () => {
    const world = await newWorld();
    const thief = await newAccount(world.network, world.clock);
    let offered: Uint8Array | undefined;
    let declined: (value: boolean) => void = () => {};
    const own = link(world, {
      received: {
        confirm: ({ identity }) => {
          offered = identity;
          return new Promise((resolve) => {
            declined = resolve;
          });
        },
      },
      handedOver: { code: undefined as never },
    });
    own.handedOver.catch(() => undefined);
    const code = await own.shown;
    const common = { transport: world.network.transport(), crypto, clock: world.clock, confirm: () => true };
    const stolen = handOverAccount({
      ...common,
      linkStore: createMemoryStore(),
      deviceName: 'thief',
      account: { store: thief.store, identity: thief.identity, installationId: 'x' },
      code,
    });
    stolen.catch(() => undefined);
    while (offered === undefined) await rest();
    expect(offered).toEqual(thief.identity.publicKey);
    const { account } = world;
    const rightful = handOverAccount({
      ...common,
      linkStore: createMemoryStore(),
      deviceName: 'old laptop',
      account: { store: account.store, identity: account.identity, installationId: 'y' },
      code,
    });
    const [told] = await settle<unknown>(world.clock, rightful);
    expect(codeOf(told)).toBe('used');
    declined(false);
    const [got, gave] = await settle<unknown>(world.clock, own.received, stolen);
    expect([codeOf(got), codeOf(gave)]).toEqual(['declined', 'cancelled']);
    expect(await recordsOf(own.accountStore, '')).toEqual([]);
  });

  it('expires, and the next call shows another one', async () => {
    const world = await newWorld();
    const linkStore = createMemoryStore();
    const codes: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { received, handedOver } = link(world, {
        received: { linkStore: keptView(linkStore), codeLifetimeMs: 60_000 },
        handedOver: { code: '' },
        onCode: (code) => codes.push(code),
      });
      handedOver.catch(() => undefined);
      const [got] = await settle<unknown>(world.clock, received);
      expect(codeOf(got)).toBe('expired');
    }
    expect(new Set(codes).size).toBe(2);
  });

  it('is of no use when its time was over while the computer slept', async () => {
    const clock = settableClock();
    const network = createMemoryNetwork({ clock });
    const world = { clock, network, account: await newAccount(network, clock) };
    let code = '';
    const { received, handedOver, shown } = link(world, {
      onCode: (text) => {
        code = text;
      },
      handedOver: { code: '' },
    });
    handedOver.catch(() => undefined);
    await shown;
    clock.jump(11 * 60_000);
    const { account } = world;
    const late = handOverAccount({
      ...{ linkStore: createMemoryStore(), transport: network.transport(), crypto, clock, code },
      account: { store: account.store, identity: account.identity, installationId: 'old' },
      deviceName: 'old laptop',
      confirm: () => true,
    });
    late.catch(() => undefined);
    const [got] = await settle<unknown>(clock, received);
    expect(codeOf(got)).toBe('expired');
  });

  it('read by a device without a name that can be shown is read all the same', () => {
    expect(shownName(' \u200b')).toBe('?');
    expect(() => nameOf(' \u200b')).toThrow('device name');
  });

  it('stays the same over a restart while it is valid', async () => {
    const world = await newWorld();
    const linkStore = createMemoryStore();
    const codes: string[] = [];
    for (let i = 0; i < 2; i++) {
      const controller = new AbortController();
      const { received, handedOver } = link(world, {
        received: { linkStore: keptView(linkStore), signal: controller.signal },
        handedOver: { code: '' },
        onCode: (code) => {
          codes.push(code);
          controller.abort();
        },
      });
      handedOver.catch(() => undefined);
      const [got] = await settle<unknown>(world.clock, received);
      expect(codeOf(got)).toBe('ABORTED');
    }
    expect(codes[0]).toBe(codes[1]);
  });

  it('that is cut off, altered or something else is refused by name', () => {
    const { publicKey: identity } = crypto.secp256k1.generateKeyPair();
    const code = encodeLinkCode({ identity, secret: new Uint8Array(16) });
    expect(parseLinkCode(crypto, ` ${code}\n`).identity).toEqual(identity);
    const changed = code.slice(0, 30) + (code[30] === 'A' ? 'B' : 'A') + code.slice(31);
    for (const text of ['', 'hello', code.slice(0, -1), `${code}AA`, changed, code.slice(0, 12)])
      expect(() => parseLinkCode(crypto, text)).toThrow(
        expect.objectContaining({
          code: 'INVALID_TEXT',
          details: expect.objectContaining({ what: 'device link code' }),
        }),
      );
  });
});

describe('either user', () => {
  it('can decline on the old device: nothing leaves it, and the new one is told', async () => {
    const world = await newWorld();
    const { received, handedOver, accountStore } = link(world, { handedOver: { confirm: () => false } });
    const [got, gave] = await settle<unknown>(world.clock, received, handedOver);
    expect([codeOf(got), codeOf(gave)]).toEqual(['cancelled', 'declined']);
    expect(await recordsOf(accountStore, '')).toEqual([]);
  });

  it('can take minutes to confirm, on both', async () => {
    const world = await newWorld();
    const slowly = () =>
      new Promise<boolean>((resolve) => world.clock.after(20 * 60_000, () => resolve(true)));
    const { received, handedOver } = link(world, {
      received: { confirm: slowly },
      handedOver: { confirm: slowly },
    });
    let isOver = false;
    const all = Promise.allSettled([received, handedOver]).then((results) => {
      isOver = true;
      return results;
    });
    while (!isOver) {
      await rest();
      world.clock.advance(5_000);
    }
    expect((await all).map(codeOf)).toEqual(['fulfilled', 'fulfilled']);
  });
});

describe('a process killed at any commit', () => {
  /** A store on which nothing is stored any more after some commits, as if the process were killed, and a network it has left. */
  function mortal(store: Store, network: MemoryNetwork, commits: number) {
    let left = commits;
    let kill: () => void = () => {};
    const killed = new Promise<'killed'>((resolve) => {
      kill = () => resolve('killed');
    });
    const isDead = () => left < 0;
    const inner = network.transport();
    const view: Store = {
      ...keptView(store),
      commit: (writes, options) => {
        if (left-- > 0) return store.commit(writes, options);
        left = -1;
        kill();
        return new Promise(() => {});
      },
    };
    const transport: Transport = {
      capabilities: inner.capabilities,
      connect: (party) =>
        inner.connect({
          ...party,
          onMessage: async (message) => (isDead() ? undefined : party.onMessage(message)),
        }),
    };
    return { view, transport, killed };
  }

  it.each(['new', 'old'] as const)(
    'goes on in the next one: the %s device',
    async (side) => {
      let kills = 0;
      for (let commits = 1; commits < 400; commits += 1 + Math.floor(commits / 6)) {
        const world = await newWorld({}, 12);
        const { clock, network, account } = world;
        const [linkStore, otherLinkStore, accountStore] = [
          createMemoryStore(),
          createMemoryStore(),
          createMemoryStore(),
        ];
        let code = '';
        const receive = (store: Store, transport: Transport, accounts: Store) =>
          receiveAccount({
            ...{
              linkStore: store,
              accountStore: accounts,
              transport,
              deviceName: 'new phone',
              crypto,
              clock,
            },
            onCode: (shown) => {
              code = shown;
            },
            confirm: () => true,
          }).then(async (received) => {
            await received.finish('new');
            return received;
          });
        const give = (store: Store, transport: Transport) =>
          handOverAccount({
            ...{
              linkStore: store,
              transport,
              deviceName: 'old laptop',
              crypto,
              clock,
              code,
              confirm: () => true,
            },
            account: { store: account.store, identity: account.identity, installationId: 'old' },
          });
        const first = mortal(linkStore, network, commits);
        const stable = network.transport();
        let received: Promise<unknown>;
        let given: Promise<unknown>;
        if (side === 'new') {
          const doomed = receive(first.view, first.transport, keptView(accountStore));
          doomed.catch(() => undefined);
          const outcome = Promise.race([doomed, first.killed]);
          while (code === '' && (await Promise.race([outcome, rest().then(() => 'going')])) === 'going');
          if (code === '') code = 'none yet';
          given = code === 'none yet' ? Promise.resolve() : give(otherLinkStore, stable);
          given.catch(() => undefined);
          const [ended] = await settle<unknown>(clock, outcome);
          if (ended?.status === 'fulfilled' && ended.value !== 'killed') break;
          received = receive(keptView(linkStore), network.transport(), keptView(accountStore));
          if (code === 'none yet') {
            received.catch(() => undefined);
            while (code === 'none yet') await rest();
            given = give(otherLinkStore, stable);
          }
        } else {
          received = receive(otherLinkStore, stable, keptView(accountStore));
          while (code === '') await rest();
          const doomed = give(first.view, first.transport);
          doomed.catch(() => undefined);
          const [ended] = await settle<unknown>(clock, Promise.race([doomed, first.killed]));
          if (ended?.status === 'fulfilled' && ended.value !== 'killed') break;
          given = give(keptView(linkStore), network.transport());
        }
        kills++;
        const results = await settle<unknown>(clock, received, given);
        expect([commits, ...results.map(codeOf)]).toEqual([commits, 'fulfilled', 'fulfilled']);
        expect(await recordsOf(accountStore, 'app/history/')).toHaveLength(12);
        await account.messenger.close();
      }
      expect(kills).toBeGreaterThan(8);
    },
    300_000,
  );
});

describe('a device that falls silent', () => {
  /** Advances until it is over, and says how many minutes it took. */
  async function minutesUntil(clock: ManualClock, sides: readonly Promise<unknown>[]) {
    const before = clock.now();
    let isOver = false;
    const all = Promise.allSettled(sides).then((results) => {
      isOver = true;
      return results.map(codeOf);
    });
    for (let round = 0; !isOver && round < 2_000; round++) {
      await rest();
      clock.advance(5_000);
    }
    expect(isOver).toBe(true);
    return { codes: await all, minutes: Math.round((clock.now() - before) / 60_000) };
  }

  /** A transport that can be cut, both ways and silently. */
  function cuttable(network: MemoryNetwork) {
    const inner = network.transport();
    const cut = { sent: (_payload: Uint8Array) => false, received: () => false };
    const transport: Transport = {
      capabilities: inner.capabilities,
      connect: async (options) => {
        const connection = await inner.connect({
          ...options,
          onMessage: async (message) => (cut.received() ? undefined : options.onMessage(message)),
        });
        return new Proxy(connection, {
          get(target, property) {
            if (property === 'send')
              return async (...given: Parameters<typeof connection.send>) =>
                cut.sent(given[1]) ? undefined : connection.send(...given);
            const value: unknown = Reflect.get(target, property, target);
            return typeof value === 'function' ? value.bind(target) : value;
          },
        });
      },
    };
    return { transport, cut };
  }

  it('ends it for both after an hour, and neither keeps anything of the account', async () => {
    const world = await newWorld();
    const [one, other] = [createMemoryStore(), createMemoryStore()];
    const { transport, cut } = cuttable(world.network);
    const { received, handedOver, accountStore } = link(world, {
      received: {
        linkStore: one,
        transport,
        onProgress: () => {
          cut.sent = () => true;
          cut.received = () => true;
        },
      },
      handedOver: { linkStore: other },
    });
    const { codes, minutes } = await minutesUntil(world.clock, [received, handedOver]);
    expect(codes).toEqual(['silent', 'silent']);
    expect(minutes).toBeGreaterThanOrEqual(59);
    expect(minutes).toBeLessThan(63);
    expect([await recordsOf(one, ''), await recordsOf(other, '')]).toEqual([[], []]);
    expect(await recordsOf(accountStore, '')).toEqual([]);
  });

  it('has as long as the application says', async () => {
    const world = await newWorld();
    const handedOver: Partial<HandOverOptions> = { silenceMs: 5 * 60_000 };
    const { transport, cut } = cuttable(world.network);
    const linked = link(world, {
      received: {
        transport,
        onRead: () => {
          cut.sent = () => true;
        },
        silenceMs: 5 * 60_000,
      },
      handedOver,
    });
    cut.sent = () => false;
    const { codes, minutes } = await minutesUntil(world.clock, [linked.received]);
    expect(codes).toEqual(['silent']);
    expect(minutes).toBeLessThan(20);
    for (const silenceMs of [0, Number.NaN, 25 * 60 * 60_000])
      expect(codeOf((await Promise.allSettled([link(world, { received: { silenceMs } }).received]))[0])).toBe(
        'INVALID_ARGUMENT',
      );
  });

  it('leaves nothing in the store of a process that has ended, once the application starts again after that hour', async () => {
    const world = await newWorld();
    const { clock } = world;
    const linkStore = createMemoryStore();
    const controller = new AbortController();
    let code = '';
    const { received, handedOver } = link(world, {
      onCode: (text) => {
        code = text;
      },
      received: { confirm: () => new Promise(() => {}) },
      handedOver: { linkStore: keptView(linkStore), signal: controller.signal },
    });
    received.catch(() => undefined);
    for (let i = 0; i < 200 && (await recordsOf(linkStore, 'app/link/piece/')).length === 0; i++)
      await rest();
    for (let i = 0; i < 20; i++) await rest();
    controller.abort();
    const [gave] = await settle<unknown>(clock, handedOver);
    expect(codeOf(gave)).toBe('ABORTED');
    expect(await cleanUpLinkStore(linkStore, { clock })).toBe(true);
    expect((await recordsOf(linkStore, 'app/link/piece/')).length).toBeGreaterThan(0);
    const later = { now: () => clock.now() + 61 * 60_000, after: clock.after };
    const copy = createMemoryStore();
    for await (const { key, value } of linkStore.list('')) await copy.commit([{ type: 'put', key, value }]);
    expect(await cleanUpLinkStore(linkStore, { clock: later })).toBe(false);
    expect(await recordsOf(linkStore, '')).toEqual([]);
    // Whoever calls again with the code is told at once.
    const again = handOverAccount({
      ...{ linkStore: copy, transport: world.network.transport(), crypto, clock: later, code },
      account: { ...world.account, installationId: 'old' },
      deviceName: 'old laptop',
      confirm: () => true,
    });
    expect((await Promise.allSettled([again])).map(codeOf)).toEqual(['silent']);
    expect(await recordsOf(copy, '')).toEqual([]);
  });

  it('leaves nothing in a store whose state is damaged, or from a time when the clock was years ahead', async () => {
    const clock = manualClock();
    const state = (text: string) => ({
      type: 'put' as const,
      key: 'app/link/state',
      value: encodeUtf8(text),
    });
    const piece = { type: 'put' as const, key: 'app/link/piece/000000', value: new Uint8Array(9) };
    const yearsAhead = JSON.stringify({ phase: 'ready', until: clock.now() + 4 * 365 * 864e5 });
    for (const text of ['{"phase":', 'null', '{"phase":"ready"}', yearsAhead]) {
      const store = createMemoryStore();
      await store.commit([state(text), piece]);
      expect(await cleanUpLinkStore(store, { clock })).toBe(false);
      expect(await recordsOf(store, '')).toEqual([]);
    }
    const empty = createMemoryStore();
    expect(await cleanUpLinkStore(empty, { clock })).toBe(false);
  });

  it('is told again that it worked when the network has lost that', async () => {
    const world = await newWorld();
    const { transport, cut } = cuttable(world.network);
    let lost = 0;
    const { received, handedOver } = link(world, {
      received: {
        transport,
        confirm: () => true,
        onProgress: ({ done, total }) => {
          // All that follows the last piece, for a while: that it has arrived, and that the account is open.
          if (done === total) cut.sent = () => lost++ < 3;
        },
      },
    });
    const [got, gave] = await settle<unknown>(world.clock, received, handedOver);
    expect(lost).toBeGreaterThan(2);
    expect([codeOf(got), codeOf(gave)]).toEqual(['fulfilled', 'fulfilled']);
  });

  it("doesn't keep the new device from finishing, which has nothing left by then but the note that it is linked", async () => {
    const world = await newWorld();
    const { transport, cut } = cuttable(world.network);
    const linkStore = createMemoryStore();
    const received = receiveAccount({
      ...{ linkStore, accountStore: createMemoryStore(), transport, crypto, clock: world.clock },
      deviceName: 'new phone',
      onCode: (code) => {
        void handOverAccount({
          ...{ linkStore: createMemoryStore(), transport: world.network.transport(), crypto, code },
          account: { ...world.account, installationId: 'old' },
          clock: world.clock,
          deviceName: 'old laptop',
          confirm: () => true,
        }).catch(() => undefined);
      },
      confirm: () => true,
    });
    await settle<unknown>(world.clock, received);
    expect(await recordsOf(linkStore, 'app/link/piece/')).toEqual([]);
    const state = await linkStore.get('app/link/state');
    expect(JSON.parse(new TextDecoder().decode(state?.value))).toMatchObject({
      phase: 'restored',
      passphrase: '',
    });
    cut.sent = () => true;
    cut.received = () => true;
    const { codes, minutes } = await minutesUntil(world.clock, [(await received).finish('new')]);
    expect(codes).toEqual(['fulfilled']);
    expect(minutes).toBeLessThan(3);
    expect(await recordsOf(linkStore, '')).toEqual([]);
  });
});

describe('what the other side may send', () => {
  it('is any bytes: refused by a code, or decoded and encoded alike', () => {
    const valid = encodeLinkMessage({ $case: 'chunk', value: { index: 3, content: new Uint8Array(20) } });
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 5 }).map((changes) => {
        const changed = valid.slice();
        for (const [at, value] of changes) changed[at] = value;
        return changed;
      }),
    );
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          const decoded = decodeLinkMessage(input);
          expect(decodeLinkMessage(encodeLinkMessage(decoded))).toEqual(decoded);
        } catch (error) {
          expect(isSottoError(error)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('is not an account other than the one that the user has confirmed', async () => {
    const world = await newWorld({}, 2);
    const other: KeyPair = crypto.secp256k1.generateKeyPair();
    // The old device names one account, and packs another.
    const { store, identity } = world.account;
    const lying = {
      store,
      installationId: 'old',
      identity: { privateKey: other.privateKey, publicKey: identity.publicKey } as KeyPair,
    };
    const { received, handedOver, accountStore } = link(world, { handedOver: { account: lying } });
    const [got, gave] = await settle<unknown>(world.clock, received, handedOver);
    expect([codeOf(got), codeOf(gave)]).toEqual(['damaged', 'cancelled']);
    expect(await recordsOf(accountStore, '')).toEqual([]);
  });
});
