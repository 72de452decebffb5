import { concatBytes, encodeHex, type KeyPair } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { createMessenger, type Messenger, type ReceivedMessage } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import type { ManualClock } from '@sotto/testing/clock';
import type { MemoryNetwork } from '@sotto/whisper-transport/memory';
import {
  type AuthoredMessage,
  CHAT_TYPE,
  type ChatMessage,
  CONTENT_TYPE,
  type DatasyncMessage,
  datasyncId,
  decodeChatMessage,
  decodeDatasyncPayload,
  directGroupId,
  EMPTY_DATASYNC_PAYLOAD,
  encodeChatMessage,
  encodeDatasyncPayload,
  formatIdentity,
  MESSAGE_TYPE,
  openMessage,
  PROFILE_2020,
  PROFILE_2024,
  signMessage,
} from '../../src/index.js';

export const crypto = createPortableProvider();

/** What a {@link StatusPeer} has received, once decoded. */
export interface Heard extends AuthoredMessage {
  readonly message: ReceivedMessage;
  readonly datasync: DatasyncMessage | undefined;
}

/**
 * A test double of a deployed Status client: a messenger for the encryption layer, and the pure functions for what is inside. It does
 * what a test tells it, and nothing by itself except, unless `acknowledges` is false, to acknowledge.
 */
export class StatusPeer {
  readonly generation: '2020' | '2024';
  readonly identity: KeyPair;
  readonly messenger: Messenger;
  readonly heard: Heard[] = [];
  /** Ids of our messages that were acknowledged to it, once for each acknowledgement. */
  readonly acks: string[] = [];
  /** Payloads that it could not read. */
  readonly unreadable: Uint8Array[] = [];
  acknowledges = true;
  readonly #network: MemoryNetwork;
  readonly #clock: ManualClock;

  private constructor(
    generation: '2020' | '2024',
    identity: KeyPair,
    messenger: Messenger,
    network: MemoryNetwork,
    clock: ManualClock,
  ) {
    this.generation = generation;
    this.identity = identity;
    this.messenger = messenger;
    this.#network = network;
    this.#clock = clock;
    messenger.on('message', (message) => this.#hear(message));
  }

  static async open(
    network: MemoryNetwork,
    clock: ManualClock,
    generation: '2020' | '2024',
    identity = crypto.secp256k1.generateKeyPair(),
  ): Promise<StatusPeer> {
    const messenger = await createMessenger({
      identity,
      store: createMemoryStore(),
      transport: network.transport(),
      crypto,
      clock,
      installationId: `status-${generation}`,
      postQuantum: false,
    });
    const peer = new StatusPeer(generation, identity, messenger, network, clock);
    await messenger.start();
    return peer;
  }

  get key(): string {
    return formatIdentity(crypto, this.identity.publicKey);
  }

  get texts(): readonly string[] {
    return this.chats.map(({ text }) => text);
  }

  /** The chat messages that it has received, repeats included. */
  get chats(): readonly ChatMessage[] {
    return this.heard
      .filter(({ type }) => type === MESSAGE_TYPE.chatMessage)
      .map(({ payload }) => decodeChatMessage(payload));
  }

  ofType(type: number): readonly Heard[] {
    return this.heard.filter((heard) => heard.type === type);
  }

  chat(chatId: string, text: string, change: Partial<ChatMessage> = {}): Uint8Array {
    const now = BigInt(this.#clock.now());
    return encodeChatMessage({
      clock: now,
      timestamp: now,
      text,
      responseTo: '',
      ensName: '',
      chatId,
      messageType: CHAT_TYPE.direct,
      contentType: CONTENT_TYPE.text,
      content: undefined,
      displayName: this.generation === '2024' ? 'peer_of_2024' : '',
      contactRequestState: undefined,
      customizationColor: 0,
      ...change,
    });
  }

  sign(type: number, payload: Uint8Array, author = this.identity) {
    return signMessage(crypto, author, { type, payload });
  }

  wrap(to: KeyPair, body: Uint8Array): DatasyncMessage {
    const groupId = directGroupId(crypto, this.identity.publicKey, to.publicKey);
    return { groupId, timestamp: BigInt(Math.trunc(this.#clock.now() / 1000)), body };
  }

  idOf(message: DatasyncMessage): string {
    return encodeHex(datasyncId(crypto, message));
  }

  /** Sends a payload as it is. */
  async send(to: KeyPair, payload: Uint8Array): Promise<void> {
    await this.messenger.send(to.publicKey, payload, { ownCopy: false });
  }

  /** Sends messages with data synchronisation, encrypted anew each time. */
  async sync(to: KeyPair, ...messages: readonly DatasyncMessage[]): Promise<void> {
    await this.send(to, encodeDatasyncPayload({ ...EMPTY_DATASYNC_PAYLOAD, messages }));
  }

  /** Sends a signed message of some type with data synchronisation. @returns its id */
  async say(to: KeyPair, type: number, payload: Uint8Array): Promise<string> {
    const { bytes, messageId } = this.sign(type, payload);
    await this.sync(to, this.wrap(to, bytes));
    return messageId;
  }

  /** Sends a text to a person. @returns its id */
  async text(to: KeyPair, text: string, change: Partial<ChatMessage> = {}): Promise<string> {
    return this.say(
      to,
      MESSAGE_TYPE.chatMessage,
      this.chat(formatIdentity(crypto, to.publicKey), text, change),
    );
  }

  /** Sends to a public chat: bare in 2020, in a ProtocolMessage in 2024. @returns its id */
  async textToChat(name: string, text: string): Promise<string> {
    const chat = this.chat(name, text, { messageType: CHAT_TYPE.public });
    const { bytes, messageId } = this.sign(MESSAGE_TYPE.chatMessage, chat);
    if (this.generation === '2024') await this.messenger.send({ kind: 'public', name }, bytes);
    else {
      const onMessage = async () => {};
      const connection = await this.#network.transport().connect({ identity: this.identity, onMessage });
      await connection.send({ kind: 'public', name }, bytes);
      await connection.close();
    }
    return messageId;
  }

  async #hear(message: ReceivedMessage): Promise<void> {
    await message.acknowledge();
    // Its own bare message to a public chat.
    if (message.ownCopy && message.senderInstallation === '') return;
    const datasync =
      message.conversation.kind === 'public' ? undefined : decodeDatasyncPayload(message.payload);
    this.acks.push(...(datasync?.acks ?? []).map(encodeHex));
    const bodies = datasync?.messages ?? [{ groupId: undefined, body: message.payload }];
    const acks: Uint8Array[] = [];
    for (const enclosed of bodies) {
      const profile = this.generation === '2020' ? PROFILE_2020 : PROFILE_2024;
      try {
        const opened = openMessage(crypto, enclosed.body, message.sender, { profile });
        const isWrapped = enclosed.groupId !== undefined;
        this.heard.push({
          ...opened,
          message,
          datasync: isWrapped ? (enclosed as DatasyncMessage) : undefined,
        });
        if (isWrapped) acks.push(datasyncId(crypto, enclosed as DatasyncMessage));
      } catch {
        this.unreadable.push(concatBytes(enclosed.body));
      }
    }
    if (this.acknowledges && acks.length > 0)
      await this.messenger.send(message.sender, encodeDatasyncPayload({ ...EMPTY_DATASYNC_PAYLOAD, acks }), {
        ownCopy: false,
      });
  }
}
