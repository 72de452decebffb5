import { type Bits, hasBit } from './bits.js';
import type { ChangeKind } from './change.js';
import type { Graph } from './graph.js';
import { attackersOf, supportsOf, victimsOf } from './resolution.js';

/**
 * Why a change has no effect, or not all of it.
 *
 * - `authorRevoked`: its author was removed or demoted, or left, by a change that doesn't build on it.
 * - `outranked`: it and others revoke each other in a circle, and the most senior author's stands.
 * - `supportLost`: what its author's authority rests on has no effect.
 * - `subjectRevoked`: it has effect, but somebody whom it names was removed or demoted, or left, at the same time or later.
 */
export type LossReason = 'authorRevoked' | 'outranked' | 'supportLost' | 'subjectRevoked';

/** Why, and by which change. */
export interface Loss {
  readonly reason: LossReason;
  /** Index of the revocation that did it. */
  readonly by: number;
}

/** A change without effect, and why. */
export interface Ineffective {
  readonly id: string;
  /** Author in hex. */
  readonly author: string;
  readonly kind: ChangeKind;
  /** Identities that it names, in hex. */
  readonly names: readonly string[];
  readonly reason: LossReason;
  /** Id of the revocation that did it. */
  readonly by: string;
}

/** Names what an index stands for. */
export function ineffective(graph: Graph, index: number, { reason, by }: Loss): Ineffective {
  const { id, author, kind, names } = graph.at(index);
  return { id, author, kind, names, reason, by: graph.at(by).id };
}

/** Why a change of a set has no effect; `undefined` when it has. */
export function lossOf(graph: Graph, effective: Bits, within: Bits, index: number): Loss | undefined {
  if (hasBit(effective, index)) return undefined;
  const attacker = attackersOf(graph, index, within).find((one) => hasBit(effective, one));
  if (attacker !== undefined) return { reason: 'authorRevoked', by: attacker };
  const fallen = supportsOf(graph.at(index)).find((one) => !hasBit(effective, one));
  if (fallen !== undefined) {
    return { reason: 'supportLost', by: lossOf(graph, effective, within, fallen)?.by ?? fallen };
  }
  const stronger = victimsOf(graph, index, within).find((one) => hasBit(effective, one));
  return { reason: 'outranked', by: stronger ?? index };
}

/** The change that is to blame for one without effect. */
export function voidedBy(graph: Graph, effective: Bits, within: Bits, index: number): number | undefined {
  return lossOf(graph, effective, within, index)?.by;
}
