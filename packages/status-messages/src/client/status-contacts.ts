import { decodeHex, encodeHex, type PublicKey } from '@sotto/core';
import { CONTACT_STATE } from '../chat-message.js';
import { nextClock } from '../clock.js';
import { encodeContactRequestAnswer, encodeContactUpdate } from '../contacts.js';
import { formatIdentity } from '../identity-text.js';
import { MESSAGE_TYPE } from '../metadata.js';
import type { StatusContact } from './contents.js';
import { getPeer, nowOf, profileOf, type StatusContext } from './context.js';
import { contactOf } from './receiver.js';
import { Draft, type PeerRecord, peerKey } from './records.js';
import type { StatusSender, StatusSendOptions, StatusSent } from './sender.js';

/** Contact requests: `status.contacts`. A request of a stranger is a message request of the messenger, too. */
export class StatusContacts {
  readonly #context: StatusContext;
  readonly #sender: StatusSender;
  readonly #inTurn: <T>(run: () => Promise<T>) => Promise<T>;

  /** @internal */
  constructor(
    context: StatusContext,
    sender: StatusSender,
    inTurn: <T>(run: () => Promise<T>) => Promise<T>,
  ) {
    this.#context = context;
    this.#sender = sender;
    this.#inTurn = inTurn;
  }

  /** The contact request between us and a person. @param identity 33 or 65 bytes */
  async get(identity: Uint8Array): Promise<StatusContact> {
    const { crypto, store } = this.#context;
    const name = encodeHex(crypto.secp256k1.parsePublicKey(identity));
    return contactOf(await getPeer(Draft.of(store), name));
  }

  /**
   * Asks a person to become contacts: with a text for them, and for clients of 2020, which have no requests, by a contact update.
   * @param identity 33 or 65 bytes
   * @throws what `send` of the client throws
   */
  async request(identity: Uint8Array, text: string, options: StatusSendOptions = {}): Promise<StatusSent> {
    const peer = this.#context.crypto.secp256k1.parsePublicKey(identity);
    return this.#inTurn(async () => {
      const sent = await this.#sender.send(
        { kind: 'direct', peer },
        { kind: 'contact-request', text },
        options,
      );
      const record = await getPeer(Draft.of(this.#context.store), encodeHex(peer));
      if (profileOf(this.#context, record).name === '2020') await this.#update(peer, CONTACT_STATE.sent);
      return sent;
    });
  }

  /**
   * Accepts a person: their messages are no message requests any more, and their contact request, if there is one, is answered. So it is
   * when `requests.accept` of the messenger is called, something is sent to them, or they are made a contact. The requests of someone who was
   * removed, blocked, or with whom the user has ended the contact by {@link retract}, are answered by this method or by making them a
   * contact again.
   * @param identity 33 or 65 bytes
   */
  async accept(identity: Uint8Array): Promise<void> {
    const { crypto, messenger } = this.#context;
    const peer = crypto.secp256k1.parsePublicKey(identity);
    await messenger.requests.accept(peer);
    await this.#inTurn(() => this.answer(encodeHex(peer), true));
  }

  /**
   * Takes back our contact request, or the contact. Their messages are still received: see `requests.block` of the messenger.
   * @param identity 33 or 65 bytes
   */
  async retract(identity: Uint8Array): Promise<void> {
    const peer = this.#context.crypto.secp256k1.parsePublicKey(identity);
    await this.#inTurn(async () => {
      const draft = Draft.of(this.#context.store);
      const before = await getPeer(draft, encodeHex(peer));
      const clock = this.#clockOf(before);
      const { ourRequest, ...rest } = before;
      const local = { state: CONTACT_STATE.none, clock: String(clock) };
      this.#put(draft, peer, { ...rest, clock: String(clock), local, answered: true, ended: 'retracted' });
      // A message to someone who is not accepted would accept them.
      if (ourRequest === undefined && !(await this.#context.messenger.requests.isAccepted(peer))) {
        await this.#context.store.commit(draft.writes);
        draft.committed();
        return;
      }
      const payload = encodeContactRequestAnswer({ id: ourRequest ?? '', clock });
      await this.#send(draft, peer, MESSAGE_TYPE.retractContactRequest, payload, clock);
    });
  }

  /** @internal Notes that the user has made somebody a contact, and answers their request; or has removed or blocked them. */
  async noteContact(identity: PublicKey, isContact: boolean): Promise<void> {
    const name = encodeHex(identity);
    const draft = Draft.of(this.#context.store);
    const before = await getPeer(draft, name);
    const isRetracted = before.ended === 'retracted';
    if (!before.wasContact || !isContact || before.ended === 'removed') {
      const local = isContact ? before.local : { ...before.local, state: CONTACT_STATE.none };
      const ended = isRetracted ? 'retracted' : isContact ? undefined : 'removed';
      this.#put(draft, identity, { ...before, local, ended, wasContact: true });
      await this.#context.store.commit(draft.writes);
      draft.committed();
      this.#sender.noteChanges(draft);
    }
    if (isContact && !isRetracted) await this.answer(name, true);
  }

  /**
   * @internal Answers a request that was not answered yet.
   * @param name hex
   * @param isExplicit whether the user wants this person as a contact, and has not only accepted them at some time
   */
  async answer(name: string, isExplicit = false): Promise<void> {
    const { crypto } = this.#context;
    const draft = Draft.of(this.#context.store);
    const before = await getPeer(draft, name);
    if (before.theirRequest === undefined || before.answered) return;
    if (before.asksAgain && !isExplicit) return;
    const peer = crypto.secp256k1.parsePublicKey(decodeHex(name));
    const clock = this.#clockOf(before);
    const local = { state: CONTACT_STATE.sent, clock: String(clock) };
    const after = {
      ...before,
      clock: String(clock),
      local,
      answered: true,
      asksAgain: false,
      ended: undefined,
    };
    this.#put(draft, peer, after);
    if (profileOf(this.#context, before).name === '2020') {
      const payload = this.#encodeUpdate(peer, clock, after);
      await this.#send(draft, peer, MESSAGE_TYPE.contactUpdate, payload, clock);
    } else {
      const payload = encodeContactRequestAnswer({ id: before.theirRequest, clock });
      await this.#send(draft, peer, MESSAGE_TYPE.acceptContactRequest, payload, clock);
    }
  }

  /** Tells a person our name and state. */
  async #update(peer: PublicKey, state: number): Promise<void> {
    const draft = Draft.of(this.#context.store);
    const before = await getPeer(draft, encodeHex(peer));
    const clock = this.#clockOf(before);
    const after = { ...before, clock: String(clock), local: { state, clock: String(clock) } };
    this.#put(draft, peer, after);
    const payload = this.#encodeUpdate(peer, clock, after);
    await this.#send(draft, peer, MESSAGE_TYPE.contactUpdate, payload, clock);
  }

  #encodeUpdate(peer: PublicKey, clock: bigint, record: PeerRecord): Uint8Array {
    const { local, remote } = record;
    const is2020 = profileOf(this.#context, record).name === '2020';
    return encodeContactUpdate({
      clock,
      ensName: '',
      profileImage: '',
      displayName: is2020 ? '' : this.#context.displayName,
      contactRequestClock: is2020 ? 0n : clock,
      contactRequestState: is2020
        ? undefined
        : {
            localClock: BigInt(local.clock),
            localState: local.state,
            remoteClock: BigInt(remote.clock),
            remoteState: remote.state,
          },
      publicKey: is2020 ? '' : formatIdentity(this.#context.crypto, peer),
      customizationColor: 0,
    });
  }

  #clockOf({ clock }: PeerRecord): bigint {
    return nextClock(BigInt(clock), nowOf(this.#context));
  }

  #put(draft: Draft, peer: PublicKey, record: PeerRecord): void {
    draft.put(peerKey(encodeHex(peer)), {
      ...record,
      touchedAt: Math.trunc(this.#context.clock.now()),
    });
  }

  async #send(
    draft: Draft,
    peer: PublicKey,
    type: number,
    payload: Uint8Array,
    clock: bigint,
  ): Promise<void> {
    const signed = this.#sender.sign(type, payload);
    const conversation = { kind: 'direct', peer } as const;
    // They name no conversation, so our other devices couldn't tell what they are about.
    await this.#sender.sendTo(draft, peer, signed, {
      clock,
      conversation,
      forOwnDevices: false,
      unasked: true,
    });
  }
}
