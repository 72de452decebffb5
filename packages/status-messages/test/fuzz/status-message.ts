import type { FuzzTarget } from '@sotto/testing/fuzz';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import {
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
  outermostOf,
} from '../../src/index.js';

const DECODERS = [
  outermostOf,
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
];

/** The first byte chooses the kind. */
export default {
  about: 'messages of Status clients, of each kind',
  *seeds() {
    const cases = loadVectors('status-application').cases;
    const all = [
      cases.chatMessages,
      cases.contacts,
      cases.deletes,
      cases.edits,
      cases.membership,
      cases.mvds,
      cases.pairing,
      cases.reactions,
    ];
    const protobufs = all.flatMap((list) => list.slice(0, 3).map(({ protobuf }) => unhex(protobuf)));
    for (const protobuf of protobufs)
      if (protobuf.length < 8192)
        for (const which of DECODERS.keys()) yield Uint8Array.of(which, ...protobuf);
  },
  run(data) {
    DECODERS[(data[0] ?? 0) % DECODERS.length]?.(data.subarray(1));
  },
} satisfies FuzzTarget;
