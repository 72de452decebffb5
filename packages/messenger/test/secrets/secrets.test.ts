/** Where secrets are found in a process: never in what is printed, nor as texts in its heap; and how often in its memory. */
import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeBase64, encodeHex, encodeUtf8, type Store } from '@sotto/core';
import { decodeRecord, preKeyTable, sessionTable } from '@sotto/device/internal';
import { decodeState } from '@sotto/double-ratchet';
import { createEncryptedStore } from '@sotto/store-adapters/encrypted';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { createTemporaryDirectory } from '@sotto/testing/files';
import { decodeState as decodeTripleState } from '@sotto/triple-ratchet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crypto } from '../world.js';

const MESSAGE = 'what only the two of them know';
const PASSPHRASE = 'correct horse battery staple';

/** Secrets by name, as bytes. */
type Secrets = ReadonlyMap<string, Uint8Array>;

describe('secrets of a messenger', () => {
  const { path: directory, remove } = createTemporaryDirectory();
  const privateKey = crypto.secp256k1.generateKeyPair().privateKey;
  let secrets: Secrets;
  let counts: Record<'open' | 'closed', ReadonlyMap<string, number> | undefined>;

  beforeAll(async () => {
    const given = { privateKey: encodeHex(privateKey), passphrase: PASSPHRASE, message: MESSAGE };
    writeFileSync(join(directory, 'given.json'), JSON.stringify(given));
    const child = fork(join(import.meta.dirname, 'child.mjs'), [directory], {
      execArgv: ['--no-warnings'],
    });
    try {
      const open = await nextState(child, 'open');
      expect(open.received).toEqual({ alice: 5, bob: 5 });
      const outer = new Map([
        ['identity key', privateKey],
        ['passphrase', encodeUtf8(PASSPHRASE)],
        ['messages', encodeUtf8(MESSAGE)],
      ]);
      const whileOpen = countInMemory(child, outer);
      child.send('go on');
      await nextState(child, 'closed');
      secrets = new Map([...outer, ...(await storedSecrets(join(directory, 'store')))]);
      counts = { open: whileOpen, closed: countInMemory(child, secrets) };
      child.send('go on');
    } finally {
      child.kill();
    }
    for (const [name, count] of counts.closed ?? [])
      process.stdout.write(
        `secrets: ${name}: ${counts.open?.get(name) ?? '-'} copies in memory open, ${count} closed\n`,
      );
  }, 120_000);
  afterAll(remove);

  it('are known to this test', () => {
    const names = [...secrets.keys()].map((name) => name.replace(/ \d+$/, ''));
    expect(new Set(names)).toEqual(
      new Set([
        'identity key',
        'passphrase',
        'messages',
        'prekey',
        'root key',
        'receiving chain key',
        'sending key',
        'header key',
        'post-quantum root key',
      ]),
    );
  });

  it.each(['printed.txt', 'report.json'])('are not in %s, in whichever form', (file) => {
    const text = readFileSync(join(directory, file), 'utf8');
    expect(text.length).toBeGreaterThan(1_000);
    for (const [name, secret] of secrets)
      for (const form of formsOf(secret)) expect(text, name).not.toContain(form);
  });

  // What V8 leaves in freed memory differs from run to run by a copy; whoever keeps one for each messenger adds three.
  it.each([
    ['open', 'identity key', 4],
    ['closed', 'identity key', 2],
    ['open', 'passphrase', 3],
    ['closed', 'passphrase', 2],
  ] as const)('are few in the memory of the process: %s, %s', (when, name, most) => {
    expect(counts[when]?.get(name)).toBeLessThanOrEqual(most);
  });

  it('are not texts in the heap once it is closed', () => {
    const { strings } = JSON.parse(readFileSync(join(directory, 'closed.heapsnapshot'), 'utf8')) as {
      strings: readonly string[];
    };
    const all = strings.join('\n');
    for (const [name, secret] of secrets)
      for (const form of formsOf(secret)) expect(all, name).not.toContain(form);
  });
});

async function nextState(child: ChildProcess, state: string): Promise<{ received?: unknown }> {
  return new Promise((resolve, reject) => {
    child.once('message', (message: { state: string; received?: unknown }) =>
      message.state === state ? resolve(message) : reject(new Error(`It is ${message.state}.`)),
    );
    child.once('exit', (code) => reject(new Error(`It ended with ${code}.`)));
  });
}

/** What the store of the closed messenger has: all that it knew last. */
async function storedSecrets(path: string): Promise<Secrets> {
  const store: Store = await createEncryptedStore({
    store: await createLevelDbStore({ path }),
    passphrase: PASSPHRASE,
    randomBytes: crypto.randomBytes,
  });
  const secrets = new Map<string, Uint8Array>();
  for await (const { key, value } of store.list('prekey/')) {
    const { privateKey } = decodeRecord(crypto, preKeyTable, key, value);
    secrets.set(`prekey ${secrets.size}`, privateKey);
  }
  for await (const { key, value } of store.list('session/')) {
    const { ratchet, suite } = decodeRecord(crypto, sessionTable, key, value);
    const hybrid = suite === 0 ? undefined : decodeTripleState(ratchet);
    if (hybrid !== undefined) {
      secrets.set(`header key ${secrets.size}`, hybrid.headerKeys.nextReceiving);
      secrets.set(`post-quantum root key ${secrets.size}`, hybrid.sparse.rootKey);
    }
    const state = hybrid?.ratchet ?? decodeState(ratchet);
    secrets.set(`root key ${secrets.size}`, state.rootKey);
    secrets.set(`receiving chain key ${secrets.size}`, state.receiving.chainKey);
    const { sending } = state;
    secrets.set(
      `sending key ${secrets.size}`,
      (sending.kind === 'chain' ? sending.chain.chainKey : sending.keyPair?.privateKey) as Uint8Array,
    );
  }
  await store.close();
  return secrets;
}

/** As texts and as Node prints bytes. */
function formsOf(secret: Uint8Array): readonly string[] {
  const text = new TextDecoder().decode(secret);
  const isText = /^[\x20-\x7e]+$/.test(text);
  const hex = encodeHex(secret);
  return [
    ...(isText ? [text] : []),
    hex,
    hex.toUpperCase(),
    encodeBase64(secret).replace(/=+$/, ''),
    [...secret].join(','),
    [...secret].join(', '),
    (hex.match(/../g) ?? []).join(' '),
  ];
}

/** How often secrets are in the memory of a process, where the system lets its parent look: as in a dump of a crash. */
function countInMemory(child: ChildProcess, secrets: Secrets): ReadonlyMap<string, number> | undefined {
  if (process.platform !== 'linux') return undefined;
  const counts = new Map([...secrets.keys()].map((name) => [name, 0]));
  try {
    const maps = readFileSync(`/proc/${child.pid}/maps`, 'latin1').split('\n');
    const memory = openSync(`/proc/${child.pid}/mem`, 'r');
    for (const line of maps) {
      const range = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
      if (range === null) continue;
      const [start, end] = [Number.parseInt(range[1] as string, 16), Number.parseInt(range[2] as string, 16)];
      const bytes = Buffer.alloc(Math.min(end - start, 1 << 30));
      try {
        readSync(memory, bytes, 0, bytes.length, start);
      } catch {
        continue; // not all of it can be read
      }
      for (const [name, secret] of secrets)
        for (let at = bytes.indexOf(secret); at >= 0; at = bytes.indexOf(secret, at + 1))
          counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    closeSync(memory);
    return counts;
  } catch {
    return undefined;
  }
}
