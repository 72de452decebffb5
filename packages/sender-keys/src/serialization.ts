import { SottoError } from '@sotto/core';
import { MemberChainState, OwnChainState } from './generated/sotto/sender_keys/v1/storage.js';
import { MAX_INDEX } from './limits.js';
import { MemberChain } from './member-chain.js';
import { OwnChain } from './own-chain.js';
import type { SkippedRun } from './skipped-keys.js';

/** A chain that we send on as bytes for a store. Secret. */
export function encodeOwnChain({ chain, privateKey, firstKey, chainKey, index }: OwnChain): Uint8Array {
  return OwnChainState.encode({ chain, privateKey, firstKey, chainKey, index }).finish();
}

/**
 * Reads what {@link encodeOwnChain} wrote.
 * @throws STATE_CORRUPT
 */
export function decodeOwnChain(bytes: Uint8Array): OwnChain {
  return reading('own chain', () => {
    const state = OwnChainState.decode(bytes);
    demand(state.chain.length === 33, 'name');
    demand(
      [state.privateKey, state.firstKey, state.chainKey].every(({ length }) => length === 32),
      'keys',
    );
    demand(state.index <= MAX_INDEX + 1, 'number');
    return new OwnChain(state);
  });
}

/** A chain of another device as bytes for a store; its skipped keys are stored beside it. Secret. */
export function encodeMemberChain({ chain, first, index, chainKey, skipped }: MemberChain): Uint8Array {
  return MemberChainState.encode({ chain, first, index, chainKey, skipped: [...skipped] }).finish();
}

/**
 * Reads what {@link encodeMemberChain} wrote.
 * @throws STATE_CORRUPT
 */
export function decodeMemberChain(bytes: Uint8Array): MemberChain {
  return reading('member chain', () => {
    const state = MemberChainState.decode(bytes);
    demand(state.chain.length === 33, 'name');
    demand(state.chainKey.length === 32, 'chain key');
    demand(state.first <= state.index && state.index <= MAX_INDEX + 1, 'numbers');
    demand(areRuns(state.skipped, state.first, state.index), 'skipped messages');
    return new MemberChain(state);
  });
}

/** Whether runs are ascending, apart from each other, and within bounds. */
function areRuns(runs: readonly SkippedRun[], from: number, to: number): boolean {
  let least = from;
  return runs.every(({ first, count }) => {
    const fits = first >= least && count > 0 && first + count <= to;
    least = first + count;
    return fits;
  });
}

function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new SottoError(
      'STATE_CORRUPT',
      `The stored ${what} is damaged.`,
      { what, reason: 'not readable' },
      { cause },
    );
  }
}

function demand(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`not valid: ${what}`);
}
