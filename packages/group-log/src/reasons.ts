import { type Bits, hasBit } from './bits.js';
import type { ChangeKind } from './change.js';
import type { Graph } from './graph.js';
import { attackersOf, supportsOf, victimsOf } from './resolution.js';

/**
 * Why a change has no effect, or not its full effect.
 *
 * - `authorRevoked`: its author was removed or demoted, or left, by a change that doesn't build on it (a concurrent one, for instance).
 * - `outranked`: it and others revoke each other in a circle, and the one of the most senior author stands.
 * - `supportLost`: the change that added or promoted its author has no effect.
 * - `subjectRevoked`: it has effect, except on identities that were removed or demoted, or left, concurrently or later.
 */
export type LossReason = 'authorRevoked' | 'outranked' | 'supportLost' | 'subjectRevoked';

/** Why, and by which change. */
export interface Loss {
  readonly reason: LossReason;
  /** Index of the revocation responsible. */
  readonly by: number;
}

/** A change without effect, or without its full effect, and why. */
export interface Ineffective {
  /** Id of the change, 64 hex digits. */
  readonly id: string;
  /** Author in hex. */
  readonly author: string;
  /** What the change was to do. */
  readonly kind: ChangeKind;
  /** Identities that it names, in hex. */
  readonly names: readonly string[];
  /** Why it has no effect. */
  readonly reason: LossReason;
  /** Id of the revocation responsible, 64 hex digits. */
  readonly by: string;
}

/** The public form of a {@link Loss}: ids instead of indices. */
export function ineffective(graph: Graph, index: number, { reason, by }: Loss): Ineffective {
  const { id, author, kind, names } = graph.at(index);
  return { id, author, kind, names, reason, by: graph.at(by).id };
}

/** Why a change of a set has no effect; `undefined` when it has. The same for everyone: of several reasons, the first by depth and id. */
export function lossOf(graph: Graph, effective: Bits, within: Bits, index: number): Loss | undefined {
  if (hasBit(effective, index)) return undefined;
  const attacker = graph.inOrder(attackersOf(graph, index, within)).find((one) => hasBit(effective, one));
  if (attacker !== undefined) return { reason: 'authorRevoked', by: attacker };
  const fallen = graph.inOrder(supportsOf(graph.at(index))).find((one) => !hasBit(effective, one));
  if (fallen !== undefined) {
    return { reason: 'supportLost', by: lossOf(graph, effective, within, fallen)?.by ?? fallen };
  }
  const stronger = graph.inOrder(victimsOf(graph, index, within)).find((one) => hasBit(effective, one));
  return { reason: 'outranked', by: stronger ?? index };
}

/** The revocation responsible for a change without effect. */
export function voidedBy(graph: Graph, effective: Bits, within: Bits, index: number): number | undefined {
  return lossOf(graph, effective, within, index)?.by;
}
