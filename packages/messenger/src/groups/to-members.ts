import { decodeHex } from '@sotto/core';
import type { GroupMessage } from './fan-out.js';

/** A message to some members of a group, without content yet. */
export function toMembers(members: Iterable<string>, groupId: string): GroupMessage {
  return {
    groupId: decodeHex(groupId),
    payload: undefined,
    remaining: [...members].map(decodeHex),
    request: false,
    complete: false,
    byChain: false,
    chain: new Uint8Array(0),
    withoutDevice: [],
    wantedChains: [],
    givenChains: [],
    automatic: false,
  };
}

/** {@link toMembers} of what the messenger sends of its own accord. */
export function answerTo(members: Iterable<string>, groupId: string): GroupMessage {
  return { ...toMembers(members, groupId), automatic: true };
}
