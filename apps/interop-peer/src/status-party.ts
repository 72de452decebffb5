import { setImmediate } from 'node:timers/promises';
import { encodeHex, type PublicKey, parseInstallationId } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { type Conversation, createMessenger, type Messenger } from '@sotto/messenger';
import { PROFILE_2020, PROFILE_2024 } from '@sotto/status-messages';
import {
  createStatusClient,
  type StatusClient,
  type StatusContent,
  type StatusGroupInfo,
  type StatusOutgoing,
} from '@sotto/status-messages/client';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { accountOf } from './account.js';
import { HandCarriedTransport } from './hand-carried-transport.js';
import { type Fields, parsePath } from './party.js';
import { invalid, type Request } from './request.js';
import { SteppedClock } from './stepped-clock.js';

/** Rounds in which what follows from a message is waited for: it is stored, acknowledged, answered. */
const ROUNDS = 4;

/** A device that talks as Status clients do, and its commands: a messenger and the layer above, without a network. */
export class StatusParty {
  readonly #messenger: Messenger;
  readonly #status: StatusClient;
  readonly #transport: HandCarriedTransport;
  readonly #clock: SteppedClock;
  /** What happened since the last answer, by the field that reports it. */
  readonly #news = new Map<string, unknown[]>();

  private constructor(
    messenger: Messenger,
    status: StatusClient,
    transport: HandCarriedTransport,
    clock: SteppedClock,
  ) {
    this.#messenger = messenger;
    this.#status = status;
    this.#transport = transport;
    this.#clock = clock;
    status.on('message', async ({ message, isStatus, acknowledge }) => {
      const contents = await acknowledge();
      if (contents === undefined) return;
      for (const content of contents) this.#note('contents', contentJson(content));
      const other = { from: encodeHex(message.sender), payload: encodeHex(message.payload) };
      if (!isStatus) this.#note('contents', { what: 'other', ...other });
    });
    const recipientOf = (event: { readonly messageId: string; readonly recipient: PublicKey }) => ({
      messageId: event.messageId,
      to: encodeHex(event.recipient),
    });
    status.on('delivered', (event) => this.#note('delivered', recipientOf(event)));
    status.on('undelivered', (event) => this.#note('undelivered', recipientOf(event)));
    status.on('refused', ({ sender, error }) =>
      this.#note('refused', { from: encodeHex(sender), code: error.code }),
    );
    messenger.on('decryptionFailed', ({ sender, code }) =>
      this.#note('refused', { from: encodeHex(sender), code }),
    );
    messenger.on('request', ({ identity }) => this.#note('requests', encodeHex(identity)));
  }

  /** The command `statusOpen`. */
  static async open(
    request: Request,
    crypto: CryptoProvider,
  ): Promise<{ readonly party: StatusParty; readonly answer: Fields }> {
    const installationId = parseInstallationId(request.text('install'));
    const key = request.optionalBytes('key');
    const given = key && crypto.secp256k1.keyPairFromPrivateKey(key);
    const clock = new SteppedClock(request.optionalTime('now'));
    const generation = request.optionalText('profile') ?? '2024';
    if (generation !== '2020' && generation !== '2024') throw invalid('profile', 'neither 2020 nor 2024');
    const profile = generation === '2020' ? PROFILE_2020 : PROFILE_2024;
    const displayName = request.optionalText('displayName');
    const path = request.optionalText('db') ?? '';
    const store = path === '' ? createMemoryStore() : await createLevelDbStore({ path: parsePath(path) });
    try {
      const identity = await accountOf(store, crypto, given);
      const transport = new HandCarriedTransport();
      const messenger = await createMessenger({
        postQuantum: false,
        identity,
        store,
        transport,
        crypto,
        clock,
        installationId,
      });
      const options = { messenger, store, crypto, identity, clock, profile, displayName };
      const status = await createStatusClient(options);
      const party = new StatusParty(messenger, status, transport, clock);
      await messenger.start();
      const fields = {
        identity: encodeHex(identity.publicKey),
        key: encodeHex(identity.privateKey),
        db: path,
      };
      return { party, answer: await party.#answer(fields) };
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  async close(): Promise<Fields> {
    await this.#status.close();
    await this.#messenger.close();
    return {};
  }

  async clock(request: Request): Promise<Fields> {
    this.#clock.set(request.time('now'));
    return this.#answer({});
  }

  async handle(request: Request): Promise<Fields> {
    const name = request.optionalText('chat');
    const channel =
      name === undefined
        ? ({ kind: 'partitioned', recipient: this.#messenger.identity } as const)
        : ({ kind: 'public', name } as const);
    const sentAt = request.optionalTime('sentAt') ?? this.#clock.now();
    await this.#transport.deliver(request.identity('from'), request.bytes('message'), channel, sentAt);
    return this.#answer({});
  }

  async take(): Promise<Fields> {
    return this.#answer({});
  }

  async text(request: Request): Promise<Fields> {
    const content = { kind: 'text', text: request.text('text'), replyTo: request.optionalText('replyTo') };
    return this.#send(request, content as StatusOutgoing);
  }

  async image(request: Request): Promise<Fields> {
    const image = { payload: request.bytes('payload'), format: request.number('format') };
    return this.#send(request, { kind: 'image', text: request.optionalText('text'), image });
  }

  async edit(request: Request): Promise<Fields> {
    return this.#send(request, { kind: 'edit', target: request.text('target'), text: request.text('text') });
  }

  async remove(request: Request): Promise<Fields> {
    return this.#send(request, { kind: 'delete', target: request.text('target') });
  }

  async react(request: Request): Promise<Fields> {
    const retracted = request.optionalText('retracted') === 'yes';
    const reaction = request.number('reaction');
    return this.#send(request, { kind: 'reaction', target: request.text('target'), reaction, retracted });
  }

  async join(request: Request): Promise<Fields> {
    await this.#messenger.chats.join(request.text('chat'));
    return this.#answer({});
  }

  async add(request: Request): Promise<Fields> {
    const code = request.optionalText('contactCode');
    await this.#messenger.contacts.add(code ?? request.identity('of'));
    return this.#answer({});
  }

  async ownCode(): Promise<Fields> {
    return this.#answer({ contactCode: await this.#messenger.contacts.ownCode() });
  }

  async ask(request: Request): Promise<Fields> {
    const { messageId } = await this.#status.contacts.request(request.identity('to'), request.text('text'));
    return this.#answer({ messageId });
  }

  async accept(request: Request): Promise<Fields> {
    await this.#status.contacts.accept(request.identity('of'));
    return this.#answer({});
  }

  async retract(request: Request): Promise<Fields> {
    await this.#status.contacts.retract(request.identity('of'));
    return this.#answer({});
  }

  async block(request: Request): Promise<Fields> {
    await this.#messenger.requests.block(request.identity('of'));
    return this.#answer({});
  }

  async contact(request: Request): Promise<Fields> {
    const identity = request.identity('of');
    const { state, displayName } = await this.#status.contacts.get(identity);
    const { name } = await this.#status.profileOf(identity);
    return this.#answer({ state, displayName, profile: name });
  }

  async group(request: Request): Promise<Fields> {
    const group = await this.#status.groups.create(request.text('name'), request.identities('members'));
    return this.#answer(groupJson(group));
  }

  async change(request: Request): Promise<Fields> {
    const group = request.text('group');
    const what = request.text('what');
    const { groups } = this.#status;
    const members = () => request.identities('members');
    const changes: Readonly<Record<string, () => Promise<unknown>>> = {
      join: () => groups.join(group),
      leave: () => groups.leave(group),
      rename: () => groups.rename(group, request.text('name')),
      add: () => groups.add(group, members()),
      remove: () => groups.remove(group, members()),
      promote: () => groups.promote(group, members()),
    };
    const change = Object.hasOwn(changes, what) ? changes[what] : undefined;
    if (change === undefined) throw invalid('what', `none of ${Object.keys(changes).join(', ')}`);
    await change();
    return this.#answer(groupJson((await groups.get(group)) as StatusGroupInfo));
  }

  async groups(): Promise<Fields> {
    return this.#answer({ groups: (await this.#status.groups.list()).map(groupJson) });
  }

  async announce(request: Request): Promise<Fields> {
    const name = request.text('name');
    await this.#status.announceDevice({ name, deviceType: request.optionalText('deviceType') ?? 'desktop' });
    return this.#answer({});
  }

  async enable(request: Request): Promise<Fields> {
    await this.#messenger.devices.enable(request.text('install'));
    return this.#answer({});
  }

  async disable(request: Request): Promise<Fields> {
    await this.#messenger.devices.disable(request.text('install'));
    return this.#answer({});
  }

  async devices(request: Request): Promise<Fields> {
    const devices = await this.#messenger.devices.list(request.identity('of'));
    return this.#answer({
      devices: devices.map(({ installationId, enabled, protocolVersion }) => ({
        id: installationId,
        enabled,
        version: protocolVersion,
      })),
    });
  }

  async state(): Promise<Fields> {
    return this.#answer({
      identity: encodeHex(this.#messenger.identity),
      install: this.#messenger.installationId,
      now: this.#clock.now(),
      listening: this.#transport.channels,
      requests: (await this.#messenger.requests.list()).map(({ identity }) => encodeHex(identity)),
    });
  }

  async #send(request: Request, content: StatusOutgoing): Promise<Fields> {
    const { messageId, clock } = await this.#status.send(conversationIn(request), content);
    return this.#answer({ messageId, clock: String(clock) });
  }

  #note(field: string, value: unknown): void {
    this.#news.set(field, [...(this.#news.get(field) ?? []), value]);
  }

  /** Waits for what follows, and reports it with the answer. */
  async #answer(fields: Fields): Promise<Fields> {
    for (let round = 0; round < ROUNDS; round++) {
      await this.#status.settled();
      await this.#messenger.flushed();
      await setImmediate();
    }
    const news = Object.fromEntries(this.#news);
    this.#news.clear();
    return { ...news, ...fields, sent: this.#transport.take() };
  }
}

/** @throws INVALID_ARGUMENT unless exactly one of `to`, `chat` and `group` is given */
function conversationIn(request: Request): Conversation {
  const to = request.optionalText('to');
  const name = request.optionalText('chat');
  const groupId = request.optionalText('group');
  if ([to, name, groupId].filter((field) => field !== undefined).length !== 1)
    throw invalid('to', 'exactly one of to, chat and group');
  if (name !== undefined) return { kind: 'public', name };
  if (groupId !== undefined) return { kind: 'group', groupId };
  return { kind: 'direct', peer: request.identity('to') };
}

function groupJson({ id, chatId, name, members, admins, joined, state }: StatusGroupInfo): Fields {
  return {
    group: id,
    chatId,
    name,
    members: members.map(encodeHex),
    admins: admins.map(encodeHex),
    joined: joined.map(encodeHex),
    state,
  };
}

function conversationJson(conversation: Conversation): Fields {
  switch (conversation.kind) {
    case 'direct':
      return { with: encodeHex(conversation.peer) };
    case 'public':
      return { chat: conversation.name };
    case 'group':
      return { group: conversation.groupId };
  }
}

function contentJson(content: StatusContent): Fields {
  switch (content.what) {
    case 'contact':
      return { what: content.what, from: encodeHex(content.identity), ...content.contact };
    case 'group':
      return { what: content.what, from: encodeHex(content.by), ...groupJson(content.group) };
    case 'pairing':
      return { ...content };
    default: {
      const { conversation, author, ...rest } = content;
      const plain = Object.entries(rest).map(([name, value]) => [name, valueJson(value)]);
      return { ...Object.fromEntries(plain), from: encodeHex(author), ...conversationJson(conversation) };
    }
  }
}

/** Bytes as hex, large numbers as texts. */
function valueJson(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return encodeHex(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, valueJson(inner)]));
}
