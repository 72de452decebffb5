import type { Channel, HistoryRequest, PublicKey, TransportCapabilities } from '@sotto/core';
import type { TransportFixture } from '../src/transport.js';
import { turn } from './reference-carrier.js';
import {
  ReferenceConnection as Reference,
  RetainingConnection,
  type Sent,
  type TransportClass,
  TransportNetwork,
} from './reference-transport.js';

/** A transport with one promise broken, and cases that have to notice it. */
export interface BrokenTransport {
  readonly fault: string;
  readonly createPlace: () => TransportFixture;
  readonly caughtBy: readonly string[];
}

function broken(fault: string, Class: TransportClass, ...caughtBy: string[]): BrokenTransport {
  return { fault, createPlace: () => new TransportNetwork(Class, { pseudonyms: 'both' }).place(), caughtBy };
}

function boasting(fault: string, claims: object, ...caughtBy: string[]): BrokenTransport {
  const capabilities = claims as Partial<TransportCapabilities>;
  return {
    fault,
    createPlace: () => new TransportNetwork(Reference, { pseudonyms: 'both', ...capabilities }).place(),
    caughtBy,
  };
}

/** Never settles. */
const hang = () => new Promise<never>(() => {});

/** A transport that does not know one kind of channel. */
function deafTo(kind: Channel['kind'], ...caughtBy: string[]): BrokenTransport {
  return broken(
    `does not deliver what is ${kind}`,
    class extends Reference {
      override same(wanted: Channel, sent: Channel) {
        return sent.kind !== kind && super.same(wanted, sent);
      }
    },
    `channels: ${kind} arrives, with its sender vouched for`,
    ...caughtBy,
  );
}

/** What of transports without pseudonyms is broken: for cases without them. */
export const brokenPlainTransports: readonly BrokenTransport[] = [
  boasting(
    'has pseudonyms after all',
    { pseudonyms: 'both' },
    'pseudonyms: the capability is as promised',
    'pseudonyms: a signer is refused',
  ),
];

/** What of retaining transports is broken: for cases with `retains`. */
export const brokenRetainingTransports: readonly BrokenTransport[] = [
  broken('retains nothing', Reference, 'channels: a subscription delivers what was sent shortly before'),
  broken(
    'brings it with each listening',
    class extends RetainingConnection {
      override async subscribe(channels: readonly Channel[]) {
        this.taken.clear();
        await super.subscribe(channels);
      }
    },
    'channels: a subscription delivers what was sent shortly before',
  ),
  broken(
    'gives again in history what listening brought',
    class extends RetainingConnection {
      override async history(request: HistoryRequest) {
        this.taken.clear();
        await super.history(request);
      }
    },
    'history: what was sent while offline arrives, once and marked as history',
  ),
  broken(
    'does not wait for what listening brought',
    class extends RetainingConnection {
      override give(shown: Sent, sent: Sent, fromHistory: boolean) {
        return this.taken.has(sent) ? turn() : super.give(shown, sent, fromHistory);
      }
    },
    'history: resolves when the last message was accepted',
  ),
  broken(
    'gives all that it has as history',
    class extends RetainingConnection {
      override arrive() {}
      override selected() {
        return this.network.sent;
      }
    },
    'history: only of the requested channels and time',
  ),
];

export const brokenTransports: readonly BrokenTransport[] = [
  deafTo('public', 'payload: of many sizes, unaltered', 'channels: writing does not require a subscription'),
  deafTo('partitioned', 'parties: one writes to the other device of its own'),
  deafTo('discovery', 'parties: two devices of one identity both get what is for it'),
  deafTo('negotiated', 'delivery: both ways concurrently'),
  broken(
    'retains what was sent, and does not say so',
    RetainingConnection,
    'channels: a subscription does not deliver what was sent before',
  ),
  broken(
    'does not look who sent it',
    class extends Reference {
      override async hand(sent: Sent, fromHistory: boolean) {
        await super.hand({ ...sent, sender: this.party.identity.publicKey }, fromHistory);
      }
    },
    'channels: public arrives, with its sender vouched for',
    'history: what was sent while offline arrives, once and marked as history',
  ),
  broken(
    'says that everything came by the first channel',
    class extends Reference {
      override async hand(sent: Sent, fromHistory: boolean) {
        await super.hand({ ...sent, channel: this.channels[0] ?? sent.channel }, fromHistory);
      }
    },
    'channels: all kinds together, each message on its own',
  ),
  broken(
    'gives what is for one to all',
    class extends Reference {
      override same(wanted: Channel, sent: Channel) {
        return super.same(wanted, sent) || ('recipient' in wanted && wanted.kind === sent.kind);
      }
    },
    "channels: what is for one isn't given to another",
  ),
  broken(
    "lets anybody listen to what is another's",
    class extends Reference {
      override checkRecipients() {}
    },
    "channels: nobody may listen to what is another's",
  ),
  broken(
    'does not tell capital letters from small ones',
    class extends Reference {
      override same(wanted: Channel, sent: Channel) {
        const small = (channel: Channel) =>
          channel.kind === 'public' ? { ...channel, name: channel.name.toLowerCase() } : channel;
        return super.same(small(wanted), small(sent));
      }
    },
    'channels: names and secrets that are alike are not the same',
  ),
  broken(
    'adds to the list instead of replacing it',
    class extends Reference {
      override async subscribe(channels: readonly Channel[]) {
        await super.subscribe([...this.channels, ...channels]);
      }
    },
    'channels: a new list replaces the previous one',
  ),
  broken(
    'delivers once for each time that a channel is named',
    class extends Reference {
      override arrive(sent: Sent) {
        for (const wanted of this.channels)
          if (this.same(wanted, sent.channel)) void this.give(sent, { ...sent }, false);
      }
    },
    'channels: one listed twice delivers each message once',
  ),
  broken(
    'has one connection for each identity',
    class extends Reference {
      override async subscribe(channels: readonly Channel[]) {
        for (const other of this.network.connections) {
          if (other !== this && same(other.party.identity.publicKey, this.party.identity.publicKey))
            other.channels = [];
        }
        await super.subscribe(channels);
      }
    },
    'parties: two devices of one identity both get what is for it',
  ),
  broken(
    "does not bring one's own messages to one's other devices",
    class extends Reference {
      override arrive(sent: Sent) {
        if (!same(sent.sender, this.party.identity.publicKey)) super.arrive(sent);
      }
    },
    'parties: one writes to the other device of its own',
  ),
  broken(
    'cuts payloads off at 4,000 bytes',
    class extends Reference {
      override async hand(sent: Sent, fromHistory: boolean) {
        await super.hand({ ...sent, payload: sent.payload.slice(0, 4_000) }, fromHistory);
      }
    },
    'payload: of many sizes, unaltered',
    'payload: the largest arrives, and one larger is refused',
  ),
  broken(
    'sends the bytes as they are when their turn comes',
    class extends Reference {
      override async send(channel: Channel, payload: Uint8Array) {
        this.checkOpen();
        const sent = { channel, sender: this.party.identity.publicKey, payload, sentAt: Date.now() };
        setImmediate(() => void this.distribute(sent));
      }
    },
    'payload: the bytes belong to the sender again when send resolves',
  ),
  broken(
    'gives all receivers the same bytes',
    class extends Reference {
      override async hand(sent: Sent, fromHistory: boolean) {
        await this.party.onMessage({ ...sent, fromHistory });
      }
    },
    'payload: what arrives belongs only to its receiver',
  ),
  broken(
    'loses every tenth message, and repeats every eleventh',
    class extends Reference {
      #given = 0;
      override arrive(sent: Sent) {
        const n = ++this.#given;
        if (n % 10 !== 0) super.arrive(sent);
        if (n % 11 === 0) super.arrive({ ...sent });
      }
    },
    'delivery: of 40 sent concurrently, each arrives once',
  ),
  broken(
    'repeats every message',
    class extends Reference {
      override arrive(sent: Sent) {
        super.arrive(sent);
        super.arrive({ ...sent });
      }
    },
    'delivery: of 40 sent concurrently, each arrives once',
    'channels: one listed twice delivers each message once',
  ),
  broken(
    'never answers a send',
    class extends Reference {
      override async send() {
        return hang();
      }
    },
    'delivery: both ways concurrently',
    'close: in the middle of many sends, each of them settles',
  ),
  broken(
    'gives up when a message is refused',
    class extends Reference {
      override async give(shown: Sent, sent: Sent, fromHistory: boolean) {
        if (this.taken.has(sent)) return;
        this.taken.add(sent);
        await this.hand(shown, fromHistory).catch(() => {});
      }
    },
    'delivery: what the receiver could not store is redelivered',
  ),
  broken(
    'drops what comes while the receiver is busy',
    class extends Reference {
      #busy = false;
      override async hand(sent: Sent, fromHistory: boolean) {
        if (this.#busy) return;
        this.#busy = true;
        try {
          await super.hand(sent, fromHistory);
        } finally {
          this.#busy = false;
        }
      }
    },
    'delivery: a slow receiver loses nothing',
  ),
  broken(
    'goes on after it was closed',
    class extends Reference {
      override async close() {}
    },
    'close: afterwards every call is refused, and closing again is fine',
    'close: nothing arrives afterwards, and the others are unaffected',
  ),
  broken(
    'closes in the middle, and never settles what was under way',
    class extends Reference {
      override async distribute(sent: Sent) {
        await turn();
        if (this.closed) return hang();
        await super.distribute(sent);
      }
    },
    'close: in the middle of many sends, each of them settles',
  ),
  broken(
    'closes when its receiver has taken all',
    class extends Reference {
      readonly #busy = new Set<Promise<void>>();
      override async hand(sent: Sent, fromHistory: boolean) {
        const handing = super.hand(sent, fromHistory);
        this.#busy.add(handing);
        await handing.finally(() => this.#busy.delete(handing));
      }
      override async close() {
        await Promise.allSettled(this.#busy);
        await super.close();
      }
    },
    'close: while the receiver is busy with a message, it ends',
  ),
  broken(
    'lets an identity connect once',
    class extends Reference {
      override arrive(sent: Sent) {
        if (!left.has(`${this.party.identity.publicKey}`)) super.arrive(sent);
      }
      override async close() {
        left.add(`${this.party.identity.publicKey}`);
        await super.close();
      }
    },
    'close: one identity may connect again',
  ),
  broken(
    'does not look at signals',
    class extends Reference {
      override checkSignal() {}
    },
    'abort: a signal that has fired stops connect, send and history',
  ),
  broken(
    'closes when a send is aborted',
    class extends Reference {
      override async send(
        channel: Channel,
        payload: Uint8Array,
        options: { readonly signal?: AbortSignal } = {},
      ) {
        options.signal?.addEventListener('abort', () => void this.close());
        await super.send(channel, payload, options);
      }
    },
    'abort: a signal that fires meanwhile ends only its call',
  ),
  boasting(
    'says that it has no history, and has',
    { history: false },
    'capabilities: they are known before anyone connects, and kept',
  ),
  boasting(
    'only delivers pseudonyms, and says no more',
    { pseudonyms: 'received' },
    'pseudonyms: the capability is as promised',
  ),
  broken(
    'signs with the identity whatever it is told',
    class extends Reference {
      override senderOf() {
        return this.party.identity.publicKey;
      }
    },
    'pseudonyms: one that signs is the sender, and the next message has its own',
  ),
  broken(
    'gives history as if it were live',
    class extends Reference {
      override async hand(sent: Sent) {
        await super.hand(sent, false);
      }
    },
    'history: what was sent while offline arrives, once and marked as history',
  ),
  broken(
    'gives again in history what came live',
    class extends Reference {
      override async history(request: HistoryRequest) {
        this.taken.clear();
        await super.history(request);
      }
    },
    'history: what arrived live is not repeated',
    'history: what was sent while offline arrives, once and marked as history',
  ),
  broken(
    'gives all that it has as history',
    class extends Reference {
      override selected() {
        return this.network.sent;
      }
    },
    'history: only of the requested channels and time',
  ),
  broken(
    'does not wait for the receiver of history',
    class extends Reference {
      override async history(request: HistoryRequest) {
        this.checkOpen();
        for (const sent of this.selected(request)) void this.give(sent, sent, true);
      }
    },
    'history: resolves when the last message was accepted',
  ),
  broken(
    'waits for history where there is none',
    class extends Reference {
      override async history(request: HistoryRequest) {
        if (this.selected(request).length === 0 && !this.closed) await hang();
        await super.history(request);
      }
    },
    'history: an empty one ends',
  ),
  broken(
    'does not report an interruption',
    class extends Reference {
      override tell() {}
    },
    'interruption: reported, restored, and subscribed again',
  ),
  broken(
    'listens to nothing after it was interrupted',
    class extends Reference {
      override async comeBack() {
        this.channels = [];
        await super.comeBack();
      }
    },
    'interruption: reported, restored, and subscribed again',
    'interruption: what is sent meanwhile arrives, or is refused as unavailable',
  ),
];

/** Identities that have closed a connection. */
const left = new Set<string>();

function same(a: PublicKey, b: PublicKey): boolean {
  return `${a}` === `${b}`;
}
