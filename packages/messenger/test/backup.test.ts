import { concatBytes, encodeHex, type Store } from '@sotto/core';
import { peerTable } from '@sotto/device/internal';
import { encodeMemberChain, senderKeyOf, startMemberChain, startOwnChain } from '@sotto/sender-keys';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { settableClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it, vi } from 'vitest';
import { MOVING_TABLES } from '../src/backup/moving-records.js';
import { sealStream } from '../src/backup/sealed-stream.js';
import { backupFileName, exportBackup, restoreBackup } from '../src/backup.js';
import { type BackupEntry, BackupPart } from '../src/generated/sotto/messenger/v1/backup.js';
import { InboxRecord } from '../src/generated/sotto/messenger/v1/storage.js';
import { memberChainTable } from '../src/groups/tables.js';
import { createMessenger } from '../src/index.js';
import { newParty, type Party, quiet } from './party.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, dump, keptView, START, textOf } from './world.js';

const COST = { memoryKiB: 8, passes: 1 };

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return concatBytes(...chunks);
}

async function* cut(bytes: Uint8Array, size = bytes.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

/** Someone with a past: a contact, a conversation, a group, a chat, and a message not dealt with. */
async function someone() {
  const network = createMemoryNetwork({ clock: manualClock(START) });
  const alice = await newParty(network, 'alice-1', { acknowledge: false });
  const bob = await newParty(network, 'bob-1');
  await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
  await alice.messenger.contacts.setVerified(bob.identity.publicKey, true);
  await alice.messenger.chats.join('status');
  await alice.say(bob, 'hello');
  await quiet(network, alice, bob);
  await bob.say(alice, 'read me later');
  await quiet(network, alice, bob);
  const { group } = await alice.messenger.groups.create('friends', [bob.identity.publicKey]);
  await quiet(network, alice, bob);
  const progress: number[] = [];
  const backup = await collect(
    exportBackup({
      store: alice.store,
      identity: alice.identity,
      passphrase: 'correct horse',
      crypto,
      cost: COST,
      onProgress: ({ done, total }) => progress.push(done / (total ?? 1)),
    }),
  );
  return { network, alice, bob, group, backup, progress };
}

/** Two who know each other, and write to groups under sender keys. */
async function contacts() {
  const clock = settableClock(START);
  const network = createMemoryNetwork({ clock });
  const options = { clock, limits: { senderKeysFrom: 2 } };
  const alice = await newParty(network, 'alice-1', options);
  const bob = await newParty(network, 'bob-1', options);
  await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
  await bob.messenger.contacts.add(await alice.messenger.contacts.ownCode());
  return { clock, network, options, alice, bob };
}

const restore = (
  backup: Uint8Array,
  passphrase = 'correct horse',
  store = createMemoryStore(),
  size?: number,
) => restoreBackup(cut(backup, size), { store, passphrase, crypto });

const NOTHING = new Uint8Array();

/** A backup of entries, or of parts as they are. */
function sealed(parts: readonly (BackupEntry | Uint8Array)[]): Promise<Uint8Array> {
  async function* encoded() {
    for (const part of parts) {
      yield part instanceof Uint8Array ? part : BackupPart.encode({ entries: [part] }).finish();
    }
  }
  return collect(sealStream(crypto, 'correct horse', encoded(), COST));
}

describe('backup', () => {
  it('moves what the application keeps under app/, as it is', async () => {
    const store = createMemoryStore();
    const value = bytesOf('notes');
    await store.commit([{ type: 'put', key: 'app/notes/1', value }]);
    const identity = crypto.secp256k1.generateKeyPair();
    const options = { store, identity, passphrase: 'correct horse', crypto, cost: COST };
    const backup = await collect(exportBackup(options));
    const restored = createMemoryStore();
    await restore(backup, undefined, restored);
    expect((await restored.get('app/notes/1'))?.value).toEqual(value);
  });

  it('what was read in a group under sender keys is not read again on the new device', async () => {
    const { clock, network, options, alice, bob } = await contacts();
    const { group } = await alice.messenger.groups.create('friends', [bob.identity.publicKey]);
    const say = async (party: Party, text: string) => {
      await quiet(network, alice, bob);
      await party.messenger.send({ kind: 'group', groupId: group.id }, bytesOf(text));
      await quiet(network, alice, bob);
    };
    await say(bob, 'one');
    await say(alice, 'two');
    const { store, identity } = alice;
    const backup = await collect(
      exportBackup({ store, identity, passphrase: 'correct horse', crypto, cost: COST }),
    );
    await alice.messenger.close();
    // Those of chains may be damaged: then messages come once more, and no more than that.
    const damaged = keptView(store);
    for (const table of ['member-chain', 'own-chain']) {
      for await (const { key, value } of store.list(`${table}/`))
        await damaged.commit([{ type: 'put', key, value: value.with(2, (value[2] as number) ^ 1) }]);
    }
    const without = await collect(
      exportBackup({ store: damaged, identity, passphrase: 'correct horse', crypto, cost: COST }),
    );
    expect(without.length).toBeLessThan(backup.length);
    await say(bob, 'three');
    const moved = createMemoryStore();
    await restore(backup, undefined, moved);
    const next = await newParty(network, 'alice-2', { ...options, identity, wrapStore: () => moved });
    for (let minute = 0; minute < 3; minute++) {
      await quiet(network, next, bob);
      await clock.advanceAndRest(60_000);
    }
    await quiet(network, next, bob);
    await bob.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('four'));
    await quiet(network, next, bob);
    expect(next.texts.map((text) => text.split(': ')[1])).toEqual(['three', 'four']);
  });

  it('what we wrote to a group under sender keys does not come back to a device that is linked then', async () => {
    const clock = settableClock(START);
    const network = createMemoryNetwork({ clock });
    const options = { clock, limits: { senderKeysFrom: 2 } };
    const alice = await newParty(network, 'alice-1', options);
    const { identity } = alice;
    const second = await newParty(network, 'alice-2', { ...options, identity });
    const bob = await newParty(network, 'bob-1', options);
    const parties = [alice, second, bob];
    const settle = () => quiet(network, ...parties);
    const pair = async (one: Party, other: Party) => {
      await settle();
      await one.messenger.devices.enable(other.messenger.installationId);
      await other.messenger.devices.enable(one.messenger.installationId);
      await settle();
    };
    await pair(alice, second);
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await bob.messenger.contacts.add(await alice.messenger.contacts.ownCode());
    const { group } = await alice.messenger.groups.create('friends', [bob.identity.publicKey]);
    const say = async (text: string) => {
      await settle();
      await alice.messenger.send({ kind: 'group', groupId: group.id }, bytesOf(text));
      await settle();
    };
    await say('one');
    const backup = await collect(
      exportBackup({ store: alice.store, identity, passphrase: 'correct horse', crypto, cost: COST }),
    );
    await say('two');
    const moved = createMemoryStore();
    await restore(backup, undefined, moved);
    const third = await newParty(network, 'alice-3', { ...options, identity, wrapStore: () => moved });
    parties.push(third);
    await pair(alice, third);
    for (let minute = 0; minute < 3; minute++) {
      await clock.advanceAndRest(60_000);
      await settle();
    }
    await say('three');
    const heard = (party: Party) => party.texts.map((text) => text.split(': ')[1]);
    expect(heard(second)).toEqual(['one', 'two', 'three']);
    expect(heard(third)).toEqual(['two', 'three']);
  });

  it('what arrives while it is made is read on the new device', async () => {
    const { clock, network, options, alice, bob } = await contacts();
    await alice.messenger.chats.join('status');
    const { group } = await alice.messenger.groups.create('friends', [bob.identity.publicKey]);
    const places = [
      { kind: 'group', groupId: group.id },
      { kind: 'public', name: 'status' },
    ] as const;
    const say = async (text: string) => {
      for (const place of places) await bob.messenger.send(place, bytesOf(text));
      await quiet(network, alice, bob);
    };
    await quiet(network, alice, bob);
    await say('before');
    let readings = 0;
    async function* list(...[prefix, given]: Parameters<Store['list']>) {
      yield* alice.store.list(prefix, given);
      // Once they are counted, and once they are read.
      if (prefix === 'inbox/' && ++readings === 2) await say('meanwhile');
    }
    const store = new Proxy(alice.store, {
      get: (inner, name) => {
        const value: unknown = name === 'list' ? list : Reflect.get(inner, name);
        return typeof value === 'function' ? value.bind(inner) : value;
      },
    });
    const { identity } = alice;
    const backup = await collect(
      exportBackup({ store, identity, passphrase: 'correct horse', crypto, cost: COST }),
    );
    expect(alice.texts).toHaveLength(4);
    await alice.messenger.close();
    const moved = createMemoryStore();
    await restore(backup, undefined, moved);
    const next = await newParty(network, 'alice-2', { ...options, identity, wrapStore: () => moved });
    await quiet(network, next, bob);
    await clock.advanceAndRest(60_000);
    await quiet(network, next, bob);
    expect(next.texts.map((text) => text.split(': ')[1])).toEqual(['meanwhile', 'meanwhile']);
  });

  it('moves to a new device, which goes on', async () => {
    const { network, alice, bob, group, backup, progress } = await someone();
    expect(progress.at(-1)).toBe(1);
    await alice.messenger.close();
    const store = createMemoryStore();
    const { identity } = await restore(backup, undefined, store);
    expect(identity.publicKey).toEqual(alice.identity.publicKey);
    const messenger = await createMessenger({
      identity,
      store,
      installationId: 'alice-2',
      transport: network.transport(),
      crypto,
      clock: manualClock(START + 1000),
    });
    const texts: string[] = [];
    messenger.on('message', async (message) => {
      texts.push(`${message.conversation.kind} ${textOf(message.payload)} ${message.verified}`);
      await message.acknowledge();
    });
    await messenger.start();
    expect(texts).toEqual(['direct read me later true']);
    expect(await messenger.contacts.list()).toEqual([{ identity: bob.identity.publicKey, verified: true }]);
    expect(messenger.chats.list()).toEqual(['status']);
    expect((await messenger.groups.get(group.id)).name).toBe('friends');
    const { devices } = await messenger.send(bob.identity.publicKey, bytesOf('from the new one'));
    // A session of its own, and not the one of the old device.
    expect(devices).toEqual([{ installationId: 'bob-1', sent: 'pq' }]);
    await messenger.send({ kind: 'group', groupId: group.id }, bytesOf('and to all'));
    await messenger.flushed();
    await quiet(network, bob);
    expect(bob.texts.slice(-2).toSorted()).toEqual([
      'direct alice-2 pq: from the new one',
      'group alice-2 pq: and to all',
    ]);
    await messenger.close();
  });

  it('is of one moment: what a commit moves from one place to another while it is made is in one of them', async () => {
    const network = createMemoryNetwork({ clock: manualClock(START) });
    const alice = await newParty(network, 'alice-1', { acknowledge: false });
    const bob = await newParty(network, 'bob-1');
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await bob.messenger.contacts.add(await alice.messenger.contacts.ownCode());
    for (let i = 0; i < 4; i++) await bob.say(alice, `${i}`.padEnd(50_000));
    await quiet(network, alice, bob);
    const parts: Uint8Array[] = [];
    for await (const part of exportBackup({
      ...{ store: alice.store, identity: alice.identity, passphrase: 'correct horse', crypto, cost: COST },
    })) {
      parts.push(part);
      // Header, empty part, and the first messages.
      if (parts.length !== 3) continue;
      for (const [i, message] of alice.messages.entries()) {
        const write = { type: 'put', key: `app/history/${i}`, value: bytesOf('read') } as const;
        await message.acknowledge({ alongside: [write] });
      }
    }
    const restored = createMemoryStore();
    await restore(concatBytes(...parts), undefined, restored);
    const places = { inbox: 0, app: 0 };
    for await (const _ of restored.list('inbox/')) places.inbox++;
    for await (const _ of restored.list('app/')) places.app++;
    expect(places).toEqual({ inbox: 4, app: 0 });
  });

  it('takes no ratchet, no prekey and no ciphertext along, and shows no secret', async () => {
    const { alice, backup } = await someone();
    const store = createMemoryStore();
    await restore(backup, undefined, store);
    const kinds = new Set<string>();
    for await (const { key } of store.list('')) kinds.add(key.split('/')[0] as string);
    expect([...kinds].toSorted()).toEqual(['change', 'chat', 'contact', 'group', 'inbox', 'peer']);
    const hex = (bytes: Uint8Array) => bytes.join();
    expect(hex(backup)).not.toContain(hex(alice.identity.privateKey));
    expect(hex(backup)).not.toContain(hex(bytesOf('read me later')));
    expect(backupFileName(alice.identity)).toMatch(/^sotto-0[23][0-9a-f]{8}\.backup$/);
  });

  it('is read however it is cut, and only with its passphrase', async () => {
    const { backup } = await someone();
    for (const size of [1, 7, 1000]) await restore(backup, undefined, undefined, size);
    const store = createMemoryStore();
    await expect(restore(backup, 'wrong', store)).rejects.toMatchObject({ code: 'STORE_WRONG_PASSPHRASE' });
    expect(await dump(store)).toBe('');
    // The same letters, written otherwise.
    const other = await collect(
      exportBackup({
        store,
        identity: crypto.secp256k1.generateKeyPair(),
        passphrase: 'caf\u00e9',
        crypto,
        cost: COST,
      }),
    );
    await restore(other, 'cafe\u0301');
  });

  it('cut short, altered or continued: refused with a reason, and nothing is stored', async () => {
    const { backup } = await someone();
    const store = createMemoryStore();
    const codes = new Set<string>();
    const offer = async (bytes: Uint8Array) => {
      try {
        await restore(bytes, undefined, store);
        codes.add('no error');
      } catch (error) {
        codes.add((error as { code: string }).code);
      }
    };
    for (let length = 0; length < backup.length; length += 41) await offer(backup.slice(0, length));
    for (let at = 46; at < backup.length; at += 41) await offer(backup.with(at, (backup[at] as number) ^ 1));
    await offer(Uint8Array.of(...backup, 0));
    await offer(bytesOf('something else altogether, and long enough to have a header'));
    expect([...codes].toSorted()).toEqual(['MALFORMED_MESSAGE', 'STORE_WRONG_PASSPHRASE']);
    expect(await dump(store)).toBe('');
    await expect(restore(backup.with(13, 9))).rejects.toMatchObject({ code: 'STATE_VERSION_UNSUPPORTED' });
    await expect(restore(backup.with(20, (backup[20] as number) ^ 1))).rejects.toThrow(/header is damaged/);
  });

  it('with a passphrase that is too short: refused before anything is read; a short one still opens', async () => {
    const identity = crypto.secp256k1.generateKeyPair();
    const failing = { list: () => expect.unreachable() } as unknown as Store;
    const store = Object.assign(createMemoryStore(), failing);
    for (const passphrase of ['', ' ', 'abc', '  a   ', 'cafe\u0301'.slice(2)]) {
      await expect(
        collect(exportBackup({ store, identity, passphrase, crypto, cost: COST })),
      ).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        details: { what: 'passphrase' },
      });
    }
    const old = await sealed([{ content: { $case: 'account', value: identity.privateKey } }]);
    expect((await restore(old)).identity.publicKey).toEqual(identity.publicKey);
  });

  it('whose header asks for more work than is sane: refused before any of it is done', async () => {
    const identity = crypto.secp256k1.generateKeyPair();
    for (const cost of [
      { memoryKiB: 7, passes: 1 },
      { memoryKiB: 2 ** 18 + 1, passes: 1 },
      { memoryKiB: 8, passes: 11 },
      { memoryKiB: 8, passes: 0 },
      { memoryKiB: 2 ** 20, passes: 100 },
    ]) {
      const store = createMemoryStore();
      const options = { store, identity, passphrase: 'correct horse', crypto, cost };
      await expect(collect(exportBackup(options))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      const head = concatBytes(
        bytesOf('sotto backup\n'),
        Uint8Array.of(1),
        new Uint8Array(16),
        new Uint8Array(new Uint32Array([cost.passes, cost.memoryKiB]).buffer.slice(0)).map(
          (_, i, all) => all[(i & ~3) + 3 - (i & 3)] as number,
        ),
      );
      const refused = restore(concatBytes(head, crypto.sha256(head).subarray(0, 4)));
      await expect(refused).rejects.toMatchObject({
        code: 'MALFORMED_MESSAGE',
        details: { reason: 'its passphrase cost is out of range' },
      });
    }
  });

  const key = crypto.secp256k1.generateKeyPair();
  const account: BackupEntry = { content: { $case: 'account', value: key.privateKey } };
  const peer = encodeHex(crypto.secp256k1.generateKeyPair().publicKey);
  const record = (table: string, segments: string[], value: Uint8Array = new Uint8Array()): BackupEntry => ({
    content: { $case: 'record', value: { table, segments, value } },
  });
  const application = (at: string, value: Uint8Array = new Uint8Array()): BackupEntry => ({
    content: { $case: 'applicationRecord', value: { key: at, value } },
  });
  const nothingOf = (bytes: Uint8Array) => peerTable.decode(bytes);
  type PeerDevice = ReturnType<typeof nothingOf>['devices'][number];
  const device = (installationId: string, signedPreKey: Uint8Array = new Uint8Array()): PeerDevice => ({
    ...(nothingOf(Uint8Array.of(0x0a, 0)).devices[0] as PeerDevice),
    installationId,
    signedPreKey,
  });
  const peerOf = (...devices: PeerDevice[]) => peerTable.encode({ ...nothingOf(NOTHING), devices });
  const inbox = (fields: Partial<InboxRecord>) =>
    InboxRecord.encode({
      ...InboxRecord.decode(NOTHING),
      messageId: new Uint8Array(32),
      sender: key.publicKey,
      ...fields,
    }).finish();

  const begun = startMemberChain(crypto, senderKeyOf(crypto, startOwnChain(crypto)));
  const chain = (...at: readonly string[]) =>
    record('member-chain', [...at], memberChainTable.encode(chainOf(encodeMemberChain(begun))));
  const chainOf = (state: Uint8Array, moved = true) => ({
    ...memberChainTable.decode(NOTHING),
    state,
    moved,
  });
  const group = '00'.repeat(32);

  it('holds no chain key of a group, and takes none', async () => {
    const { chainKey } = begun;
    const has = (bytes: Uint8Array) => encodeHex(bytes).includes(encodeHex(chainKey));
    const withKey = memberChainTable.encode(chainOf(encodeMemberChain(begun), false));
    expect(has(withKey)).toBe(true);
    const reduced = MOVING_TABLES.get('member-chain')?.reduce(withKey) as Uint8Array;
    expect(has(reduced)).toBe(false);
    expect(MOVING_TABLES.get('member-chain')?.reduce(reduced)).toEqual(reduced);
    const valid = record('member-chain', [group, peer, peer], reduced);
    const store = createMemoryStore();
    await restore(await sealed([account, valid]), undefined, store);
    expect(await store.get(`member-chain/${group}/${peer}/${peer}`)).toBeDefined();
  });

  it.each<[string, readonly (BackupEntry | Uint8Array)[]]>([
    ['a chain of no group', [account, chain('00', peer, peer)]],
    ['a chain of nobody', [account, chain(group, '00', peer)]],
    ['a chain without a name', [account, chain(group, peer)]],
    [
      'a chain with its key',
      [
        account,
        record(
          'member-chain',
          [group, peer, peer],
          memberChainTable.encode(chainOf(encodeMemberChain(begun), false)),
        ),
      ],
    ],
    [
      'a chain that cannot be read',
      [account, record('member-chain', [group, peer, peer], memberChainTable.encode(chainOf(NOTHING)))],
    ],
    ['no account', [record('chat', ['status'])]],
    ['two accounts', [account, account]],
    ['an account that is no private key', [{ content: { $case: 'account', value: new Uint8Array(32) } }]],
    ['an account of another length', [{ content: { $case: 'account', value: new Uint8Array(5).fill(1) } }]],
    ['a part that is no protobuf', [account, Uint8Array.of(0xff, 0xff, 0xff)]],
    ['a part that is cut', [account, Uint8Array.of(0x0a, 50, 0x12)]],
    ['a text that is no UTF-8', [account, Uint8Array.of(0x0a, 5, 0x1a, 3, 0x0a, 1, 0xff)]],
    ['a record without the rest of its key', [account, record('contact', [])]],
    ['a record with too much of a key', [account, record('contact', [peer, peer])]],
    ['a contact that is no identity', [account, record('contact', ['../x'])]],
    ['a contact in capitals', [account, record('contact', [peer.toUpperCase()])]],
    ['a contact that cannot be decoded', [account, record('contact', [peer], Uint8Array.of(0x0a, 200))]],
    ['a chat of no such name', [account, record('chat', ['Not A Chat'])]],
    ['a group of no such id', [account, record('group', ['00'])]],
    ['an invalid inbox number', [account, record('inbox', ['x'], inbox({}))]],
    ['a message with a short id', [account, record('inbox', ['1'], inbox({ messageId: new Uint8Array(3) }))]],
    ['a message with no sender', [account, record('inbox', ['1'], inbox({ sender: new Uint8Array() }))]],
    [
      'a message of a conversation with no one',
      [
        account,
        record(
          'inbox',
          ['1'],
          inbox({ conversation: { kind: { $case: 'peer', value: new Uint8Array(2) } } }),
        ),
      ],
    ],
    ['a device without an id', [account, record('peer', [peer], peerOf(device('')))]],
    ['a device twice', [account, record('peer', [peer], peerOf(device('a'), device('a')))]],
    ['a prekey of 5 bytes', [account, record('peer', [peer], peerOf(device('a', new Uint8Array(5))))]],
    ['what was seen, without a mark', [account, record('seen', ['000001'])]],
    ['a record twice', [account, record('chat', ['status']), record('chat', ['status'])]],
    ['a record of the application elsewhere', [account, application('session/x')]],
    ['a record of the application twice', [account, application('app/x'), application('app/x')]],
    ['a key of the application with other characters', [account, application('app/\u00e9')]],
    ['a key of the application that is too long', [account, application(`app/${'x'.repeat(1100)}`)]],
    ['a value that no store takes', [account, application('app/x', new Uint8Array(16 * 2 ** 20 + 1))]],
  ])('that authenticates and holds %s: refused with a code, and nothing is stored', async (_, parts) => {
    const store = createMemoryStore();
    await expect(restore(await sealed(parts), undefined, store)).rejects.toMatchObject({
      name: 'SottoError',
      code: 'MALFORMED_MESSAGE',
      details: { what: 'backup' },
    });
    expect(await dump(store)).toBe('');
  });

  it('of a later version: what is not known yet is passed over', async () => {
    const store = createMemoryStore();
    await restore(
      await sealed([account, record('hologram', ['?', '\u00e9'], bytesOf('x'))]),
      undefined,
      store,
    );
    expect(await dump(store)).toBe('');
  });

  it('larger than was agreed to: refused, however small its records are', async () => {
    const many = Array.from({ length: 100 }, (_, i) => application(`app/${i}`));
    const backup = await sealed([account, ...many]);
    const store = createMemoryStore();
    const options = { store, passphrase: 'correct horse', crypto };
    await expect(restoreBackup(cut(backup), { ...options, maxBytes: 20_000 })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { what: 'backup in bytes', limit: 20_000 },
    });
    expect(await dump(store)).toBe('');
    await restoreBackup(cut(backup), { ...options, maxBytes: 30_000 });
  });

  it('in one piece of many megabytes is read without copying the rest for each part', async () => {
    const parts = Array.from({ length: 2000 }, (_, i) => application(`app/${i}`, new Uint8Array(1000)));
    const backup = await sealed(parts.concat(account));
    const copied = vi.spyOn(Uint8Array.prototype, 'set');
    await restore(backup);
    const bytes = copied.mock.calls.reduce((sum, [source]) => sum + source.length, 0);
    copied.mockRestore();
    expect(bytes).toBeLessThan(20 * backup.length);
  });

  it('with a record of many bytes is read in chunks of one', async () => {
    const value = new Uint8Array(200_000).fill(7);
    const applicationRecord = { key: 'app/large', value };
    const account = crypto.secp256k1.generateKeyPair().privateKey;
    const backup = await sealed([
      { content: { $case: 'account', value: account } },
      { content: { $case: 'applicationRecord', value: applicationRecord } },
    ]);
    const store = createMemoryStore();
    await restore(backup, undefined, store, 1);
    expect((await store.get('app/large'))?.value).toEqual(value);
  });

  it('from memory that is used again for each chunk, and let go of in the end', async () => {
    const { backup, alice } = await someone();
    let closed = false;
    async function* reused(fault = false) {
      const memory = Buffer.alloc(100);
      try {
        for (let at = 0; at < backup.length; at += 100) {
          yield memory.subarray(0, Buffer.from(backup).copy(memory, 0, at, at + 100));
          if (fault) yield 'text' as unknown as Uint8Array;
          memory.fill(0);
        }
      } finally {
        closed = true;
      }
    }
    const options = { store: createMemoryStore(), passphrase: 'correct horse', crypto };
    const { identity } = await restoreBackup(reused(), options);
    expect(identity.publicKey).toEqual(alice.identity.publicKey);
    expect(closed).toBe(true);
    closed = false;
    const refused = restoreBackup(reused(true), { ...options, store: createMemoryStore() });
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', details: { what: 'chunk' } });
    expect(closed).toBe(true);
  });

  it.each<[string, unknown]>([
    ['options', undefined],
    ['store', { passphrase: 'correct horse' }],
    ['store', { passphrase: 'correct horse', store: Promise.resolve(createMemoryStore()) }],
    ['passphrase', { store: createMemoryStore() }],
  ])('without usable %s: refused by name', async (what, options) => {
    const expected = { name: 'SottoError', code: 'INVALID_ARGUMENT', details: { what } };
    await expect(restoreBackup(cut(new Uint8Array(9)), options as never)).rejects.toMatchObject(expected);
    await expect(collect(exportBackup(options as never))).rejects.toMatchObject(expected);
  });

  it('goes into an empty store only, and stops when told to', async () => {
    const { alice, backup } = await someone();
    await expect(restore(backup, undefined, alice.store)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const signal = AbortSignal.abort();
    const store = createMemoryStore();
    await expect(
      restoreBackup(cut(backup), { store, passphrase: 'correct horse', crypto, signal }),
    ).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(
      collect(
        exportBackup({
          store: alice.store,
          identity: alice.identity,
          passphrase: 'correct horse',
          crypto,
          cost: COST,
          signal,
        }),
      ),
    ).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
