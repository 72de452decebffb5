import {
  compareBytes,
  copyBytes,
  decodeHex,
  encodeHex,
  type PublicKey,
  SottoError,
  type TransportMessage,
} from '@sotto/core';
import type { Protection, ReadTransaction, Transaction } from '@sotto/device';
import { publicMessageIdFor } from '@sotto/device/internal';
import { decodeMessage } from '@sotto/sender-keys';
import { GroupPayload } from '../generated/sotto/messenger/v1/payload.js';
import type { MessengerContext } from '../runtime/context.js';
import { groupChannelName } from '../runtime/topics.js';
import type { FanOut } from './fan-out.js';
import type { MemberChains } from './member-chains.js';
import { CHAIN_ASK_MS, type MemberSync } from './member-sync.js';
import type { OwnChains } from './own-chains.js';
import type { GroupRecords, KnownGroup } from './records.js';
import { mayAnswer } from './stranger-answers.js';
import { answerTo } from './to-members.js';
import type { WaitingMessages } from './waiting-messages.js';

/** Longest wait between two questions for a chain, in milliseconds. */
const ASK_MOST_MS = 60 * 60_000;

/** A message to a whole group, decrypted. */
export interface GroupMessageOpened {
  /** 32 bytes. */
  readonly messageId: Uint8Array;
  readonly senderInstallation: string;
  readonly protection: Protection;
  readonly group: GroupPayload;
}

/** Chains of one sender in a group that are asked for, by their names in hex. */
interface Wanted {
  readonly groupId: string;
  readonly sender: PublicKey;
  readonly chains: Map<string, Uint8Array>;
}

/** Messages that come on the channel of a group, under chains of its members. One whose chain we don't have yet waits. */
export class ChainMessages {
  readonly #context: MessengerContext;
  readonly #records: GroupRecords;
  readonly #memberSync: MemberSync;
  readonly #ownChains: OwnChains;
  readonly #memberChains: MemberChains;
  readonly #waiting: WaitingMessages;
  readonly #fanOut: FanOut;
  /** When we ask next, by our clock. */
  #askAt = 0;

  constructor(
    context: MessengerContext,
    parts: {
      readonly records: GroupRecords;
      readonly memberSync: MemberSync;
      readonly ownChains: OwnChains;
      readonly memberChains: MemberChains;
      readonly waiting: WaitingMessages;
    },
    fanOut: FanOut,
  ) {
    this.#context = context;
    this.#records = parts.records;
    this.#memberSync = parts.memberSync;
    this.#ownChains = parts.ownChains;
    this.#memberChains = parts.memberChains;
    this.#waiting = parts.waiting;
    this.#fanOut = fanOut;
  }

  /**
   * Decrypts a message.
   * @returns `undefined` when it waits for its chain, is from before we were given that, or is our own
   * @throws MALFORMED_MESSAGE, DUPLICATE_MESSAGE, INVALID_SIGNATURE, AUTHENTICATION_FAILED, the RATCHET codes
   */
  async open(
    tx: Transaction,
    groupId: string,
    message: TransportMessage,
  ): Promise<GroupMessageOpened | undefined> {
    const { sender, payload } = message;
    const { crypto } = this.#context.settings;
    const channel = groupChannelName(crypto, decodeHex(groupId));
    const messageId = publicMessageIdFor(crypto, sender, payload, channel);
    const group = await this.#records.find(tx, groupId);
    if (group === undefined) return undefined;
    const encrypted = decodeMessage(message.payload);
    const { chain } = encrypted;
    const isOwn = compareBytes(sender, this.#context.device.identity) === 0;
    if (isOwn && (await this.#ownChains.recognise(tx, groupId, encrypted))) return undefined;
    if (!(await this.#memberChains.has(tx, groupId, sender, chain))) {
      // Whoever is out may be in again without knowing it yet. Until then all messages share what those have who aren't members.
      const isIn = this.#isIn(group);
      await this.#waiting.add(tx, isIn ? group.log : { groupId, isMember: () => false }, encrypted, message);
      if (isIn) tx.onCommit('send', () => this.askLater());
      return undefined;
    }
    const opened = await this.#memberChains.open(tx, groupId, sender, encrypted, encodeHex(messageId));
    if (opened === undefined) return undefined;
    const { plaintext, senderInstallation, protection } = opened;
    return { messageId, senderInstallation, protection, group: decodeContent(plaintext, groupId) };
  }

  #isIn({ log }: KnownGroup): boolean {
    return log.isMember(encodeHex(this.#context.device.identity));
  }

  /** Receives the messages whose chain was given meanwhile, and asks for the chains of the others. */
  async receiveReadable(
    receive: (message: TransportMessage, number: string) => Promise<void>,
  ): Promise<void> {
    const readable = await this.#context.runtime.read((tx) => this.#readable(tx));
    for (const [number, message] of readable) await receive(message, number);
    this.askLater();
  }

  /** The messages that wait although we have their chain, by number. */
  async #readable(tx: ReadTransaction): Promise<ReadonlyMap<string, TransportMessage>> {
    const readable = new Map<string, TransportMessage>();
    for (const { number, record } of await this.#waiting.list(tx)) {
      const { payload, chain, sentAt } = record;
      const sender = record.sender as PublicKey;
      const groupId = encodeHex(record.groupId);
      if (!(await this.#memberChains.has(tx, groupId, sender, chain))) continue;
      const name = groupChannelName(this.#context.settings.crypto, record.groupId);
      const channel = { kind: 'public', name } as const;
      readable.set(number, { sender, payload, channel, sentAt: Number(sentAt), fromHistory: true });
    }
    return readable;
  }

  /** Asks for the chains of waiting messages after a while, and again, less and less often, while there are any. */
  askLater(waitMs = CHAIN_ASK_MS): void {
    const { runtime, settings } = this.#context;
    const now = settings.clock.now();
    // Whoever goes on sending must not put it off.
    if (this.#askAt > now && this.#askAt <= now + waitMs) return;
    this.#askAt = now + waitMs;
    runtime.schedule('sender-keys', waitMs, () => {
      this.#askAt = 0;
      runtime.inBackground(runtime.transaction((tx) => this.#ask(tx, Math.min(2 * waitMs, ASK_MOST_MS))));
    });
  }

  async #ask(tx: Transaction, nextMs: number): Promise<void> {
    await this.#waiting.forget(tx);
    const wanted = new Map<string, Wanted>();
    const waiting = await this.#waiting.list(tx);
    // No more than some chains are looked for in one question: those that are certainly the sender's are named first.
    for (const { record } of waiting.toSorted((a, b) => Number(b.record.signed) - Number(a.record.signed))) {
      const { sender, chain } = record;
      const groupId = encodeHex(record.groupId);
      if (await this.#memberChains.has(tx, groupId, sender, chain)) continue;
      const group = await this.#records.find(tx, groupId);
      if (group === undefined || !this.#isIn(group) || !group.log.isMember(encodeHex(sender))) continue;
      const name = `${groupId} ${encodeHex(sender)}`;
      const entry = wanted.get(name) ?? { groupId, sender: sender as PublicKey, chains: new Map() };
      wanted.set(name, entry);
      entry.chains.set(encodeHex(chain), chain);
    }
    for (const { groupId, sender, chains } of wanted.values()) {
      // What is counted of one sender is there for the next.
      const group = (await this.#records.find(tx, groupId)) as KnownGroup;
      if (!(await this.#memberSync.mayAgain(tx, groupId, sender, 'chainsAskedAt'))) continue;
      if (!(await mayAnswer(tx, this.#context, this.#records, group, sender))) continue;
      this.#fanOut.enqueue(tx, {
        ...answerTo([encodeHex(sender)], groupId),
        wantedChains: [...chains.values()],
      });
    }
    if (wanted.size > 0) tx.onCommit('send', () => this.askLater(nextMs));
  }
}

/** What may come to a whole group: a payload with changes. Chains, and questions for them, are between two. */
function decodeContent(plaintext: Uint8Array, groupId: string): GroupPayload {
  const malformed = (reason: string, cause?: unknown) =>
    new SottoError(
      'MALFORMED_MESSAGE',
      'Not a valid message of a group.',
      { what: 'GroupPayload', reason },
      { cause },
    );
  let group: GroupPayload;
  try {
    group = GroupPayload.decode(plaintext);
  } catch (cause) {
    throw malformed('it cannot be decoded', cause);
  }
  if (encodeHex(group.groupId) !== groupId) throw malformed('of another group');
  const payload = group.payload && copyBytes(group.payload);
  return { ...group, payload, request: false, senderKey: new Uint8Array(0), wantedChains: [] };
}
