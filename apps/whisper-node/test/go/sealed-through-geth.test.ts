import type { KeyPair, Store, Transport } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger, type Messenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { Geth } from '@sotto/testing/geth';
import type {} from '@sotto/testing/geth/setup';
import { keptView } from '@sotto/testing/stores';
import { createDevp2pCarrier } from '@sotto/whisper-devp2p';
import { createRpcTransport } from '@sotto/whisper-rpc';
import { createSealedTransport } from '@sotto/whisper-transport';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';

const crypto = defaultProvider();
const program = inject('geth');
const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** How somebody reaches the Whisper network: the API of the node, which signs for them, or as a peer of it. */
type Way = 'rpc' | 'devp2p';

/** An identity, its store, and the messenger that runs on them. */
interface Person {
  readonly identity: KeyPair;
  readonly store: Store;
  /** What arrived: `sealed pq: text`. */
  readonly heard: string[];
  messenger: Messenger;
}

// Such a node signs with keys that it is given, and our transport gives it the identity's alone; what others sign, it delivers.
describe.skipIf(program === undefined)('post-quantum sessions through a go-ethereum node', () => {
  let geth: Geth;
  const people: Person[] = [];

  beforeAll(async () => {
    geth = await Geth.start(program as string, { peers: true });
  });
  afterEach(async () => {
    await Promise.all(people.splice(0).map(({ messenger }) => messenger.close()));
  });
  afterAll(() => geth?.close());

  async function transport(way: Way): Promise<Transport> {
    const backOff = { most: 500 };
    if (way === 'rpc') return createRpcTransport({ url: geth.url('ws'), crypto, backOff });
    return createSealedTransport(createDevp2pCarrier({ peers: [await geth.enode()], crypto, backOff }), {
      crypto,
    });
  }

  async function opened({ identity, store, heard }: Omit<Person, 'messenger'>, way: Way): Promise<Messenger> {
    const messenger = await createMessenger({
      identity,
      store: keptView(store),
      transport: await transport(way),
      crypto,
    });
    messenger.on('message', async ({ payload, protection, sealedSender, acknowledge }) => {
      heard.push(`${sealedSender ? 'sealed ' : ''}${protection}: ${textOf(payload)}`);
      await acknowledge();
    });
    return messenger;
  }

  async function person(way: Way): Promise<Person> {
    const parts = { identity: crypto.secp256k1.generateKeyPair(), store: createMemoryStore(), heard: [] };
    const one = { ...parts, messenger: await opened(parts, way) };
    people.push(one);
    await one.messenger.start();
    return one;
  }

  /** Goes on with the same store in another way. @param waiting what is sent before the messenger starts */
  async function move(one: Person, way: Way, waiting?: () => Promise<unknown>): Promise<void> {
    await one.messenger.close();
    one.messenger = await opened(one, way);
    await waiting?.();
    await one.messenger.start();
  }

  const say = (from: Person, to: Person, text: string) =>
    from.messenger.send(to.identity.publicKey, bytesOf(text));

  /** Sends, waits until it has arrived, and gives how. */
  async function tell(from: Person, to: Person, text: string): Promise<string | undefined> {
    const { sealedSender } = await say(from, to, text);
    await expect.poll(() => to.heard.at(-1), { timeout: 60_000 }).toMatch(new RegExp(`: ${text}$`));
    const how = to.heard.at(-1);
    expect(how?.startsWith('sealed')).toBe(sealedSender);
    return how;
  }

  async function acquainted(one: Person, other: Person): Promise<void> {
    await one.messenger.contacts.add(await other.messenger.contacts.ownCode());
    expect(await tell(one, other, 'first')).toBe('pq: first');
  }

  it('both at its API: they go on turn by turn, and no message is sealed', async () => {
    const [alice, bob] = [await person('rpc'), await person('rpc')];
    await acquainted(alice, bob);
    for (let turn = 0; turn < 3; turn++) {
      expect(await tell(bob, alice, `b${turn}`)).toBe(`pq: b${turn}`);
      expect(await tell(alice, bob, `a${turn}`)).toBe(`pq: a${turn}`);
    }
  });

  it('one at its API, one a peer of it: what the peer writes is sealed, and read at the API', async () => {
    const [alice, bob] = [await person('rpc'), await person('devp2p')];
    await acquainted(alice, bob);
    for (let turn = 0; turn < 3; turn++) {
      expect(await tell(bob, alice, `b${turn}`)).toBe(`sealed pq: b${turn}`);
      expect(await tell(alice, bob, `a${turn}`)).toBe(`pq: a${turn}`);
    }
  });

  it('who moves from one way to the other loses nothing, also of what was sealed before', async () => {
    const [alice, bob] = [await person('devp2p'), await person('devp2p')];
    await acquainted(alice, bob);
    expect(await tell(bob, alice, 'answer')).toBe('sealed pq: answer');
    expect(await tell(alice, bob, 'to a peer')).toBe('sealed pq: to a peer');
    await alice.messenger.close();
    alice.messenger = await opened(alice, 'devp2p');
    const waiting = await say(alice, bob, 'sealed, then sent by the node');
    expect(waiting.sealedSender).toBe(true);
    await move(alice, 'rpc');
    await expect.poll(() => bob.heard.at(-1), { timeout: 60_000 }).toBe('pq: sealed, then sent by the node');
    expect(await tell(bob, alice, 'to the node')).toBe('sealed pq: to the node');
    expect(await tell(alice, bob, 'from the node')).toBe('pq: from the node');
    await move(alice, 'devp2p', () => say(alice, bob, 'written on the way back'));
    await expect.poll(() => bob.heard.at(-1), { timeout: 60_000 }).toMatch(/: written on the way back$/);
    expect(await tell(bob, alice, 'and on')).toBe('sealed pq: and on');
    expect(await tell(alice, bob, 'sealed again')).toBe('sealed pq: sealed again');
    expect(new Set(bob.heard).size).toBe(bob.heard.length);
  });
});
