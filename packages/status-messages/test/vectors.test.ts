import { decodeHex, encodeHex, isSottoError, type PublicKey } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { decodeProtocolMessage } from '@sotto/protocol-codec';
import { loadVectors, type StatusVerdict, unhex } from '@sotto/testing/vectors';
import { describe, expect, it } from 'vitest';
import * as sotto from '../src/index.js';
import {
  checkChatMessage,
  checkDeleteMessage,
  checkEditMessage,
  checkEmojiReaction,
  checkPairInstallation,
  conversationOf,
  datasyncId,
  decodeChatMessage,
  decodeContactRequestAnswer,
  decodeContactUpdate,
  decodeDatasyncPayload,
  decodeDeleteMessage,
  decodeEditMessage,
  decodeEmojiReaction,
  decodeMembershipUpdate,
  decodePairInstallation,
  decodeSegment,
  defaultContactRequestId,
  directGroupId,
  EMPTY_DATASYNC_PAYLOAD,
  encodeChatMessage,
  encodeDatasyncPayload,
  encodeMembershipUpdate,
  type MessageContext,
  openGroup,
  openMembershipEvent,
  openMessage,
  outermostOf,
  PROFILE_2020,
  PROFILE_2024,
  parseIdentity,
  reactionId,
  SegmentAssembler,
  type SegmentOutcome,
  segmentMessage,
  signMembershipEvent,
  signMessage,
} from '../src/index.js';

const crypto = createPortableProvider();
const { cases } = loadVectors('status-application');

const profileOf = (generation: '2020' | '2024') => (generation === '2020' ? PROFILE_2020 : PROFILE_2024);
const keyPairOf = (hex: string) => crypto.secp256k1.keyPairFromPrivateKey(unhex(hex));
const named = <T extends { readonly name?: string; readonly generation: string }>(items: readonly T[]) =>
  items.map((item, i) => [`${item.generation}: ${item.name ?? i}`, item] as const);

/** A decoded message in the terms of the files: without empty fields, numbers of 64 bits and bytes as text. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return encodeHex(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}

function withoutEmpty(value: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).filter(
      ([, field]) => field !== undefined && field !== '' && field !== 0 && field !== '0',
    ),
  );
}

/** A chat message in the terms of the files. */
function chatFields(message: sotto.ChatMessage): Record<string, unknown> {
  const { content, contactRequestState, ...rest } = message;
  const { kind, ...fields } = content ?? {};
  return {
    ...withoutEmpty(plain(rest) as object),
    ...(kind !== undefined && { [kind]: withoutEmpty(plain(fields) as object) }),
    ...(contactRequestState && { contactRequestPropagatedState: plain(contactRequestState) }),
  };
}

const CODECS = {
  contactUpdate: [decodeContactUpdate, sotto.encodeContactUpdate],
  answer: [decodeContactRequestAnswer, sotto.encodeContactRequestAnswer],
  pairing: [decodePairInstallation, sotto.encodePairInstallation],
  edit: [decodeEditMessage, sotto.encodeEditMessage],
  deletion: [decodeDeleteMessage, sotto.encodeDeleteMessage],
  reaction: [decodeEmojiReaction, sotto.encodeEmojiReaction],
} as const;

describe('metadata', () => {
  const all = [
    ...cases.metadata,
    ...cases.chatMessages,
    ...cases.contacts,
    ...cases.pairing,
    ...cases.edits,
    ...cases.deletes,
    ...cases.reactions,
    ...cases.membership,
    ...cases.chains,
  ];
  it.each(named(all))('%s', (_, { metadata }) => {
    const author = keyPairOf(metadata.authorPrivate);
    const { type } = metadata;
    const payload = unhex(metadata.payload);
    expect(encodeHex(crypto.keccak256(payload))).toBe(metadata.digest);
    const signed = signMessage(crypto, author, { type, payload });
    expect(encodeHex(signed.bytes)).toBe(metadata.protobuf);
    expect(signed.messageId).toBe(`0x${metadata.messageId}`);
    const opened = openMessage(crypto, signed.bytes, author.publicKey);
    expect(encodeHex(crypto.secp256k1.uncompressPublicKey(opened.author))).toBe(metadata.author65);
    expect({ ...opened, author: '', payload: encodeHex(opened.payload) }).toEqual({
      author: '',
      type,
      payload: metadata.payload,
      messageId: `0x${metadata.messageId}`,
    });
    expect(signed.bytes.subarray(2, 67)).toEqual(unhex(metadata.signature));
  });
});

describe('chat messages', () => {
  it.each(named(cases.chatMessages))('%s', (_, { generation, message, metadata, protobuf }) => {
    const decoded = decodeChatMessage(unhex(protobuf));
    expect(chatFields(decoded)).toEqual(withoutEmpty(message));
    expect(encodeHex(encodeChatMessage(decoded))).toBe(protobuf);
    const context = { profile: profileOf(generation), nowMs: decoded.clock };
    expect(() => checkChatMessage(decoded, context)).not.toThrow();
    expect([metadata.type, metadata.payload]).toEqual([1, protobuf]);
  });
});

describe('contact updates, answers, pairing, edits, deletions, reactions', () => {
  const kinds = [
    ...cases.contacts.map((one) => [one.metadata.type === 2 ? 'contactUpdate' : 'answer', one] as const),
    ...cases.pairing.map((one) => ['pairing', one] as const),
    ...cases.edits.map((one) => ['edit', one] as const),
    ...cases.deletes.map((one) => ['deletion', one] as const),
    ...cases.reactions.map((one) => ['reaction', one] as const),
  ];
  it.each(kinds.map(([kind, one]) => [`${one.generation}: ${one.name}`, kind, one] as const))(
    '%s',
    (_, kind, { message, protobuf }) => {
      const [decode, encode] = CODECS[kind] as unknown as [
        (bytes: Uint8Array) => object,
        (message: object) => Uint8Array,
      ];
      const decoded = decode(unhex(protobuf));
      const { contactRequestState, ...rest } = decoded as { contactRequestState?: object };
      const fields = {
        ...(plain(rest as object) as object),
        ...(contactRequestState && { contactRequestPropagatedState: plain(contactRequestState) }),
      };
      const known = kind === 'reaction' ? { retracted: false, ...message } : message;
      expect(withoutEmpty(fields)).toEqual(withoutEmpty(known));
      expect(encodeHex(encode(decoded))).toBe(protobuf);
    },
  );

  it('the default id of a contact request', () => {
    const some = cases.contacts.filter(({ of }) => of !== undefined);
    expect(some.length).toBeGreaterThan(0);
    for (const { of, message } of some)
      expect(defaultContactRequestId(crypto, parseIdentity(crypto, of as string))).toBe(message['id']);
  });

  it('the id of a reaction', () => {
    expect(cases.reactions.length).toBeGreaterThan(0);
    for (const { protobuf, metadata, reactionId: id } of cases.reactions) {
      const author = crypto.secp256k1.parsePublicKey(unhex(metadata.author65));
      expect(reactionId(crypto, author, decodeEmojiReaction(unhex(protobuf)))).toBe(id);
    }
  });
});

describe('data synchronisation', () => {
  it.each(named(cases.mvds))('%s', (_, one) => {
    const payload = decodeDatasyncPayload(unhex(one.protobuf));
    const hexes = (list: readonly Uint8Array[] = []) => list.map(encodeHex);
    expect(hexes(payload?.acks)).toEqual(one.acks);
    expect(hexes(payload?.offers)).toEqual(one.offers);
    expect(hexes(payload?.requests)).toEqual(one.requests);
    expect(
      payload?.messages.map((message) => ({
        groupId: encodeHex(message.groupId),
        timestamp: String(message.timestamp),
        body: encodeHex(message.body),
        id: encodeHex(datasyncId(crypto, message)),
      })),
    ).toEqual(one.messages.map((message) => ({ ...message, timestamp: String(message.timestamp) })));
    expect(
      payload?.groupOffers.map(({ groupId, messageIds }) => ({
        groupId: encodeHex(groupId),
        messageIds: hexes(messageIds),
      })),
    ).toEqual(one.groupOffers ?? []);
    expect(encodeHex(encodeDatasyncPayload(payload as sotto.DatasyncPayload))).toBe(one.protobuf);
  });

  it('group ids, the same for both sides', () => {
    expect(cases.groupIds.length).toBeGreaterThan(0);
    for (const { groupId, key1, key2 } of cases.groupIds) {
      const [one, other] = [key1, key2].map((key) => crypto.secp256k1.parsePublicKey(unhex(key)));
      expect(encodeHex(directGroupId(crypto, one as PublicKey, other as PublicKey))).toBe(groupId);
      expect(encodeHex(directGroupId(crypto, other as PublicKey, one as PublicKey))).toBe(groupId);
    }
  });
});

describe('chains: from a text to the bytes of the encryption layer, and back', () => {
  it.each(named(cases.chains))('%s', (_, one) => {
    const author = keyPairOf(one.metadata.authorPrivate);
    const message = decodeChatMessage(unhex(one.chatMessage.protobuf));
    expect(chatFields(message)).toEqual(withoutEmpty(one.chatMessage.fields));
    const { bytes } = signMessage(crypto, author, { type: 1, payload: encodeChatMessage(message) });
    const [sent] = one.mvds?.messages ?? [];
    let payload = bytes;
    if (sent !== undefined && one.recipient !== undefined) {
      const recipient = crypto.secp256k1.parsePublicKey(unhex(one.recipient.public33));
      const groupId = directGroupId(crypto, author.publicKey, recipient);
      const timestamp = BigInt(sent.timestamp);
      payload = encodeDatasyncPayload({
        ...EMPTY_DATASYNC_PAYLOAD,
        messages: [{ groupId, timestamp, body: bytes }],
      });
    }
    expect(encodeHex(payload)).toBe(one.toEncryptionLayer ?? one.toTransport);

    const [body = payload] = (decodeDatasyncPayload(payload)?.messages ?? []).map((item) => item.body);
    const opened = openMessage(crypto, body, author.publicKey, { profile: profileOf(one.generation) });
    expect(opened.messageId).toBe(`0x${one.metadata.messageId}`);
    expect(chatFields(decodeChatMessage(opened.payload))).toEqual(withoutEmpty(one.chatMessage.fields));
    if (one.toTransport !== undefined) expect(outermostOf(payload).kind).toBe('bare');
  });
});

describe('membership', () => {
  const stateOf = (group: sotto.StatusGroup, generation: string) => ({
    name: group.name,
    admins: [...group.admins].sort(),
    members: [...group.members].sort(),
    ...(generation === '2020'
      ? { joined: [...group.joined].sort() }
      : { color: group.color, image: encodeHex(group.image) }),
  });
  const sorted = (state: object) =>
    Object.fromEntries(
      Object.entries(state).map(([name, value]) => [name, Array.isArray(value) ? value.toSorted() : value]),
    );

  it.each(named(cases.membership))('%s', (_, one) => {
    const update = decodeMembershipUpdate(unhex(one.protobuf));
    expect(update.chatId).toBe(one.chatId);
    expect(update.events.map(encodeHex)).toEqual(one.events.map(({ raw }) => raw));
    expect(encodeHex(encodeMembershipUpdate(update))).toBe(one.protobuf);
    if (one.message !== undefined)
      expect(chatFields(update.message as sotto.ChatMessage)).toEqual(withoutEmpty(one.message.fields));
    if (one.emojiReaction !== undefined)
      expect(encodeHex(sotto.encodeEmojiReaction(update.emojiReaction as sotto.EmojiReaction))).toBe(
        one.emojiReaction,
      );
    const context = { profile: profileOf(one.generation), nowMs: BigInt(one.events.at(-1)?.clock ?? 0) };
    const group = openGroup(crypto, one.chatId, update.events, context);
    expect(stateOf(group, one.generation)).toEqual(sorted(one.state));
  });

  it('signs events as recorded', () => {
    const events = cases.membership.flatMap(({ chatId, events: list }) =>
      list.map((event) => ({ chatId, event })),
    );
    expect(events.length).toBeGreaterThan(0);
    for (const { chatId, event } of events) {
      const opened = openMembershipEvent(crypto, chatId, unhex(event.raw));
      const signed = signMembershipEvent(crypto, keyPairOf(event.signerPrivate), chatId, opened);
      expect(encodeHex(signed.raw)).toBe(event.raw);
      expect(signed.from).toBe(event.from);
      expect([opened.type, String(opened.clock), opened.members]).toEqual([
        event.type,
        String(event.clock),
        event.members,
      ]);
      expect(opened.name).toBe(event.name ?? '');
      expect(opened.color).toBe(event.color ?? '');
      expect(encodeHex(opened.image)).toBe(event.image ?? '');
    }
  });

  // Deployed clients accept new admins as soon as one of them is a member.
  const DEPARTURES = ['two new admins, one of them no member (accepted by the Go client)'];
  it.each(named(cases.verdicts.membershipUpdate))('verdict, %s', (_, one) => {
    const accepted = one.accepted && !DEPARTURES.includes(one.name);
    const context = { profile: profileOf(one.generation), nowMs: BigInt(one.nowMs ?? 0) };
    const open = () => {
      const { chatId, events } = decodeMembershipUpdate(unhex(one.bytes));
      return openGroup(crypto, chatId, events, context);
    };
    if (!accepted)
      return expect(refusal(open)).toMatch(/^(MALFORMED_MESSAGE|NOT_PERMITTED|INVALID_SIGNATURE)$/);
    expect(stateOf(open(), one.generation)).toEqual(sorted(one.state as object));
  });
});

/** The code of the error that a function throws, or what it returned. */
function refusal(run: () => unknown): unknown {
  try {
    return { accepted: run() };
  } catch (error) {
    if (!isSottoError(error)) throw error;
    return error.code;
  }
}

describe('verdicts', () => {
  /** Ours are as those of the deployed client of that generation, but for the departures. */
  function verdicts(
    list: readonly StatusVerdict[],
    judge: (bytes: Uint8Array, context: MessageContext, one: StatusVerdict) => void,
    departures: readonly string[] = [],
  ) {
    it.each(named(list))('%s', (_, one) => {
      const nowMs = BigInt(one.envelopeTimestampMs ?? one.nowMs ?? 0);
      const run = () => judge(unhex(one.bytes), { profile: profileOf(one.generation), nowMs }, one);
      const expected = departures.includes(one.name) ? !one.accepted : one.accepted;
      if (expected) expect(run).not.toThrow();
      else expect(refusal(run)).toMatch(/^[A-Z_]+$/);
    });
  }

  describe('chat messages', () => {
    verdicts(
      cases.verdicts.chatMessage,
      (bytes, context) => checkChatMessage(decodeChatMessage(bytes), context),
      // Needs the word lists of the deployed client.
      ['display name that is a generated three-word name'],
    );
  });
  describe('edits', () => {
    verdicts(cases.verdicts.editMessage, (bytes, context) =>
      checkEditMessage(decodeEditMessage(bytes), context),
    );
  });
  describe('deletions', () => {
    verdicts(cases.verdicts.deleteMessage, (bytes) => checkDeleteMessage(decodeDeleteMessage(bytes)));
  });
  describe('reactions', () => {
    verdicts(cases.verdicts.emojiReaction, (bytes, context) =>
      checkEmojiReaction(decodeEmojiReaction(bytes), context),
    );
  });
  describe('pairing', () => {
    verdicts(cases.verdicts.pairInstallation, (bytes, context) =>
      checkPairInstallation(decodePairInstallation(bytes), context),
    );
  });
  describe('metadata', () => {
    const alice = crypto.secp256k1.parsePublicKey(unhex(cases.metadata[0]?.metadata.author65 as string));
    verdicts(
      cases.verdicts.metadata,
      (bytes, { profile }, one) => {
        const { messageId, type } = openMessage(crypto, bytes, alice, { profile });
        if (one.messageId === undefined) return;
        expect([messageId, type]).toEqual([`0x${one.messageId}`, one.type]);
      },
      // The author has to be the sender, and a signature has one form.
      [
        'signature over another payload (recovers another key)',
        'the mirrored signature (n - s, v xor 1): same signer, another id',
      ],
    );
  });
  describe('data synchronisation', () => {
    verdicts(cases.verdicts.mvds, (bytes) => {
      if (decodeDatasyncPayload(bytes) === undefined) sotto.parseIdentity(crypto, 'not one');
    });
  });
  describe('conversations', () => {
    it.each(named(cases.verdicts.conversation))('%s', (_, one) => {
      const group = one.group && {
        members: new Set(one.group.members),
        joined: new Set(one.group.joined ?? []),
      };
      const context = {
        profile: profileOf(one.generation),
        me: parseIdentity(crypto, one.me),
        author: parseIdentity(crypto, one.author),
        isJoinedPublicChat: (name: string) => one.joinedPublicChats?.includes(name) ?? false,
        group: (chatId: string) => (chatId === one.group?.id ? group : undefined),
      };
      const run = () => conversationOf(crypto, decodeChatMessage(unhex(one.bytes)), context);
      if (!one.accepted) return expect(refusal(run)).toMatch(/^(MALFORMED_MESSAGE|NOT_FOUND|NOT_PERMITTED)$/);
      const found = run();
      const key =
        found.kind === 'direct'
          ? sotto.formatIdentity(crypto, found.peer)
          : found.kind === 'public'
            ? found.name
            : found.chatId;
      expect(key).toBe(one.conversation);
    });
  });
});

describe('segments', () => {
  const messageOf = ({ payload, payloadLength }: { payload?: string; payloadLength: number }) =>
    payload === undefined
      ? Uint8Array.from({ length: payloadLength }, (_, i) => (7 * i + Math.floor(i / 251)) % 256)
      : unhex(payload);

  it.each(named(cases.segmentation))('cuts: %s', (_, one) => {
    const segments = segmentMessage(crypto, messageOf(one), one.segmentSize);
    expect(segments.length).toBe(one.segments.length);
    for (const [i, expected] of one.segments.entries()) {
      const bytes = segments[i] as Uint8Array;
      if (expected.protobufSha256 !== undefined) {
        expect(bytes.length).toBe(expected.protobufLength);
        expect(encodeHex(crypto.sha256(bytes))).toBe(expected.protobufSha256);
        continue;
      }
      expect(encodeHex(bytes)).toBe(expected.protobuf ?? expected.bytes);
      if (expected.protobuf === undefined) continue;
      const segment = decodeSegment(bytes);
      expect(encodeHex(segment?.entireMessageHash as Uint8Array)).toBe(one.entireMessageHash);
      expect(encodeHex(segment?.payload as Uint8Array)).toBe(expected.payload);
      expect([
        segment?.index,
        segment?.segmentsCount,
        segment?.paritySegmentIndex,
        segment?.paritySegmentsCount,
      ]).toEqual([expected.index, expected.segmentsCount, expected.parityIndex, expected.parityCount]);
    }
  });

  const arrivals = cases.segmentation.flatMap((one) =>
    (one.arrivals ?? []).map((arrival) => [`${one.name}, ${arrival.name}`, one, arrival] as const),
  );
  it.each(arrivals)('puts together: %s', (_, one, { steps }) => {
    const segments = segmentMessage(crypto, messageOf(one), one.segmentSize);
    const assembler = new SegmentAssembler({ crypto });
    const outcomes = steps.map(({ segment }) =>
      assembler.add(decodeSegment(segments[segment] as Uint8Array) as sotto.Segment, 'alice', 0),
    );
    // The deployed client can't restore a lost last segment; ours does.
    const expected = steps.map(({ outcome }) =>
      outcome === 'incomplete' ? 'incomplete' : outcome === 'already complete' ? 'duplicate' : 'complete',
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(expected);
    const complete = outcomes.find(
      (outcome): outcome is SegmentOutcome & { kind: 'complete' } => outcome.kind === 'complete',
    );
    expect(encodeHex(crypto.keccak256(complete?.message as Uint8Array))).toBe(one.entireMessageHash);
    expect(assembler.bytes).toBe(0);
  });

  it.each(named(cases.verdicts.segment))('verdict, %s', (_, { steps }) => {
    const assembler = new SegmentAssembler({ crypto });
    for (const { bytes, outcome, sender = '' } of steps) {
      const segment = decodeSegment(unhex(bytes));
      if (segment === undefined) expect(outcome).toMatch(/goes up as it is/);
      else {
        const kind = refusal(() => assembler.add(segment, sender, 0));
        if (outcome.startsWith('hash mismatch')) expect(kind).toBe('MALFORMED_MESSAGE');
        else expect(kind).toMatchObject({ accepted: { kind: outcome } });
      }
    }
  });

  it('any other payload is left to the encryption layer', () => {
    expect(outermostOf(new Uint8Array()).kind).toBe('protocol-message');
    expect(decodeProtocolMessage(new Uint8Array()).installationId).toBe('');
    expect(decodeHex('')).toEqual(new Uint8Array());
  });
});
