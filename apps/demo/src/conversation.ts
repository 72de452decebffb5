import { createPortableProvider } from '@sotto/crypto';
import { createMemoryNetwork, type MemoryNetwork } from '@sotto/whisper-transport/memory';
import type { Checks } from './checks.js';
import { Person } from './person.js';
import { explain, type Screen, shown, styled, title } from './screen.js';
import { viewWire } from './wire-view.js';

/** Decides the order in which a burst arrives. */
const NETWORK_SEED = 2;

/** Part 2: Alice and Bob, each with a store on disk, over a network that misbehaves. */
export async function converse(screen: Screen, checks: Checks, folder: string): Promise<void> {
  title(screen, 'Part 2: Alice and Bob');
  explain(screen, 'Both are Sotto, with stores on disk. The network is as bad as told to be.');
  const network = createMemoryNetwork({ seed: NETWORK_SEED });
  const { secp256k1 } = createPortableProvider();
  const person = (name: string) => new Person(name, secp256k1.generateKeyPair(), folder, network);
  const scene = new Scene(screen, checks, network, person('Alice'), person('Bob'));
  try {
    await scene.play();
  } catch (error) {
    checks.broke(error);
  } finally {
    await Promise.allSettled([scene.alice.leave(), scene.bob.leave()]);
  }
}

class Scene {
  readonly alice: Person;
  readonly bob: Person;
  readonly #screen: Screen;
  readonly #checks: Checks;
  readonly #network: MemoryNetwork;
  #steps = 0;

  constructor(screen: Screen, checks: Checks, network: MemoryNetwork, alice: Person, bob: Person) {
    this.#screen = screen;
    this.#checks = checks;
    this.#network = network;
    this.alice = alice;
    this.bob = bob;
  }

  async play(): Promise<void> {
    await this.alice.arrive();
    await this.bob.arrive();
    await this.#settle();
    await this.#contactCode();
    await this.#firstMessage();
    await this.#answers();
    await this.#burst();
    await this.#loss();
    await this.#replay();
    await this.#forgery();
    await this.#restart();
  }

  async #contactCode(): Promise<void> {
    const { alice, bob } = this;
    this.#step('Contact code', "Bob's identity and signed prekey as one text, handed over in any way.");
    const code = await bob.messenger.contactCode();
    this.#screen.line(`  ${shown(new TextEncoder().encode(code), 72)}`);
    const contact = await alice.messenger.addContact(code, 'Bob');
    this.#checks.expect(
      "Alice reads Bob's identity from it, and its signature holds",
      bob.is(contact.identity),
    );
    const devices = await alice.messenger.devices(bob.identity.publicKey);
    this.#checks.expect('she knows his one device now', devices.length === 1);
  }

  async #firstMessage(): Promise<void> {
    const { alice, bob } = this;
    this.#step('First message', 'Alice agrees on a key by X3DH. Bob has never heard of her.');
    const { devices } = await alice.say(bob, 'Psst, Bob.');
    await this.#settle();
    this.#show(alice, bob);
    const [message] = bob.inbox;
    this.#checks.expect('it begins a session: X3DH header and ratchet', sent(devices) === 'x3dh+dr');
    this.#checks.expect('it comes with forward secrecy', message?.protection === 'dr');
    await this.#expectRead(bob, ['Psst, Bob.']);
  }

  async #answers(): Promise<void> {
    const { alice, bob } = this;
    this.#step('Answers', 'Each answer turns the ratchet to new keys, and the old ones are deleted.');
    const chains = new Set<string>();
    const lines = [
      [bob, alice, 'Yes, Alice?'],
      [alice, bob, 'Is anybody listening?'],
      [bob, alice, 'Let them.'],
    ] as const;
    for (const [from, to, text] of lines) {
      await from.say(to, text);
      await this.#settle();
      chains.add(this.#show(from, to).chain);
      await this.#expectRead(to, [text]);
    }
    this.#checks.expect('three turns, three chains', chains.size === 3);
    const { kind } = viewWire(alice.tap.sent.at(-1)?.payload ?? new Uint8Array());
    this.#checks.expect('answered, Alice no longer sends the X3DH header', kind === 'ratchet');
  }

  async #burst(): Promise<void> {
    const { alice, bob } = this;
    this.#step('Out of order', 'Six messages while Bob is cut off; then he gets them shuffled.');
    const texts = ['one', 'two', 'three', 'four', 'five', 'six'];
    this.#network.disconnect(bob.identity.publicKey);
    for (const text of texts) await alice.say(bob, text);
    await alice.messenger.flushed();
    this.#network.setConditions({ reordering: 1 });
    const before = bob.tap.arrived.length;
    this.#network.reconnect(bob.identity.publicKey);
    await this.#settle();
    this.#network.setConditions({ reordering: 0 });
    const numbers = bob.tap.arrived.slice(before).map(({ payload }) => viewWire(payload).number);
    const read = await bob.read();
    this.#screen.line(`  arrived as no. ${numbers.join(', ')}: ${read.join(', ')}`);
    this.#checks.expect('they came in another order', read.join() !== texts.join());
    this.#checks.expect('each was read once', read.toSorted().join() === texts.toSorted().join());
  }

  async #loss(): Promise<void> {
    const { alice, bob } = this;
    this.#step('A lost message', 'The network drops one. Its key is kept; the conversation goes on.');
    this.#network.setConditions({ loss: 1 });
    await alice.say(bob, 'This one gets lost.');
    await this.#settle();
    this.#show(alice, undefined);
    this.#network.setConditions({ loss: 0 });
    this.#checks.expect('Bob has got nothing', bob.inbox.length === 0);
    await alice.say(bob, 'Still there?');
    await this.#settle();
    this.#show(alice, bob);
    await this.#expectRead(bob, ['Still there?']);
  }

  async #replay(): Promise<void> {
    const { alice, bob } = this;
    this.#step('A replay', "Mallory owns the network, and sends Alice's last message once more.");
    const last = alice.tap.sent.at(-1);
    const before = bob.tap.arrived.length;
    if (last !== undefined) await this.#inject(last.payload);
    this.#checks.expect('it reaches Bob', bob.tap.arrived.length === before + 1);
    this.#checks.expect('its key is used up: he is shown nothing', bob.inbox.length === 0);
  }

  async #forgery(): Promise<void> {
    const { alice, bob } = this;
    this.#step('A forgery', 'Mallory catches the next one and changes a bit; the real one comes later.');
    alice.tap.catching = true;
    await alice.say(bob, 'Meet me at nine.');
    await this.#settle();
    alice.tap.catching = false;
    const real = alice.tap.sent.at(-1)?.payload ?? new Uint8Array(1);
    const forged = real.slice();
    // The message ends with the MAC.
    forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
    await this.#inject(forged);
    const [refusal] = bob.refused.splice(0);
    this.#screen.line(`  refused with ${refusal?.code ?? 'no error at all'}`);
    this.#checks.expect('the forged one does not authenticate', refusal?.code === 'AUTHENTICATION_FAILED');
    this.#checks.expect('Bob is shown nothing', bob.inbox.length === 0);
    await this.#inject(real);
    this.#show(alice, bob);
    await this.#expectRead(bob, ['Meet me at nine.']);
  }

  async #restart(): Promise<void> {
    const { alice, bob } = this;
    this.#step('Restart', 'Bob stops before he has dealt with a message. Alice goes on writing.');
    await alice.say(bob, 'Did you see this?');
    await this.#settle();
    this.#checks.expect('a message waits for Bob', bob.inbox.length === 1);
    bob.inbox.length = 0;
    await bob.leave();
    const before = bob.tap.arrived.length;
    await alice.say(bob, 'And this?');
    await this.#settle();
    explain(this.#screen, '   Bob is back, with nothing but his key and what is on the disk.');
    await bob.arrive();
    await this.#settle();
    await this.#expectRead(bob, ['Did you see this?', 'And this?']);
    const history = bob.tap.arrived.slice(before).length;
    this.#screen.line(`  history brought ${history} messages, read ones and the one that he missed`);
    this.#checks.expect('what he had read before is not given again', history > 1 && bob.inbox.length === 0);
    await bob.say(alice, 'I saw both.');
    await this.#settle();
    const { kind } = this.#show(bob, alice);
    this.#checks.expect('the session went on where it was', kind === 'ratchet');
    await this.#expectRead(alice, ['I saw both.']);
  }

  /** Heads a step, with the one line that explains it. */
  #step(name: string, explanation: string): void {
    this.#checks.section(name);
    this.#screen.line();
    this.#screen.line(styled(`${++this.#steps}. ${name}`, 'bold'));
    explain(this.#screen, `   ${explanation}`);
  }

  /** Shows the last message that somebody sent, as the wire has it; nobody to receive it: lost. */
  #show(from: Person, to: Person | undefined): { readonly kind: string; readonly chain: string } {
    const view = viewWire(from.tap.sent.at(-1)?.payload ?? new Uint8Array());
    const { kind, chain, number } = view;
    const text =
      to === undefined ? styled('lost', 'red') : `"${shown(to.inbox.at(-1)?.payload ?? new Uint8Array())}"`;
    const route = `${from.name} → ${to?.name ?? '…'}`.padEnd(12);
    this.#screen.line(`  ${route}  ${styled(kind, 'cyan')}, chain ${chain}, no. ${number}  ${text}`);
    return view;
  }

  async #expectRead(reader: Person, texts: readonly string[]): Promise<void> {
    const read = await reader.read();
    const quoted = texts.map((text) => `"${text}"`).join(' and ');
    this.#checks.expect(
      `${reader.name} reads ${quoted}, and nothing else`,
      read.join('\n') === texts.join('\n'),
    );
  }

  /** Puts bytes on the wire in Alice's name. */
  async #inject(payload: Uint8Array): Promise<void> {
    const channel = this.alice.tap.sent.at(-1)?.channel;
    const mallory = await this.#network
      .transport()
      .connect({ identity: this.alice.identity, onMessage: async () => {} });
    if (channel !== undefined) await mallory.send(channel, payload);
    await this.#settle();
    await mallory.close();
  }

  /** Waits until nothing is on its way and both have done what follows from it. */
  async #settle(): Promise<void> {
    for (let turn = 0; turn < 2; turn++) {
      for (const person of [this.alice, this.bob]) await person.flushed();
      await this.#network.idle();
    }
  }
}

function sent(
  devices: readonly ({ readonly sent: string } | { readonly failed: unknown })[],
): string | undefined {
  const [device] = devices;
  return device !== undefined && 'sent' in device ? device.sent : undefined;
}
