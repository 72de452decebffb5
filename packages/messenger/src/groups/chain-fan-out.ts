import { copyBytes, encodeHex, isSottoError, type PublicKey } from '@sotto/core';
import type { DeviceOutcome, Transaction } from '@sotto/device';
import { GroupPayload } from '../generated/sotto/messenger/v1/payload.js';
import type { Sender } from '../outbound/sender.js';
import type { MessengerContext } from '../runtime/context.js';
import { encodePayload } from '../runtime/payload.js';
import type { MemberOutcome } from '../runtime/results.js';
import type { FanoutRecord } from '../storage/records.js';
import type { MemberSync } from './member-sync.js';
import type { ChainInUse, OwnChains } from './own-chains.js';
import type { KnownGroup } from './records.js';

/** What was done of a message in one commit. */
export interface ChainStep {
  readonly outcomes: readonly MemberOutcome[];
  /** What is left of it; `undefined` when nothing is. */
  readonly message: FanoutRecord | undefined;
}

/**
 * Sends a message to a whole group: first our chain to the members who lack it, some in each commit, then the message once, under
 * that chain, and last to members of whom no device is known.
 */
export class ChainFanOut {
  readonly #context: MessengerContext;
  readonly #memberSync: MemberSync;
  readonly #ownChains: OwnChains;
  readonly #sender: Sender;

  constructor(context: MessengerContext, memberSync: MemberSync, ownChains: OwnChains, sender: Sender) {
    this.#context = context;
    this.#memberSync = memberSync;
    this.#ownChains = ownChains;
    this.#sender = sender;
  }

  /** Does one step. @throws LIMIT_EXCEEDED when the outbox is full */
  async step(tx: Transaction, queued: FanoutRecord, group: KnownGroup): Promise<ChainStep> {
    const { device, settings } = this.#context;
    let inUse = await this.#ownChains.ready(tx, group.log);
    const name = inUse.chain.chain;
    // Replaced since the last step, or the first one.
    const message: FanoutRecord =
      encodeHex(queued.chain) === encodeHex(name)
        ? queued
        : { ...queued, chain: name, remaining: [...inUse.recipients.lacking], unreached: [] };
    const batch = message.remaining.slice(0, settings.limits.fanoutBatch).map((one) => copyBytes(one));
    const remaining = message.remaining.slice(batch.length);
    const unreached = [...message.unreached];
    const failed: MemberOutcome[] = [];
    for (const member of batch as PublicKey[]) {
      if (!group.log.isMember(encodeHex(member))) continue;
      if ((await device.activeInstallations(tx, member)).length === 0) {
        unreached.push(member);
        continue;
      }
      try {
        ({ inUse } = await this.give(tx, { ...message, payload: undefined }, group, member, inUse));
      } catch (error) {
        if (!isSottoError(error, 'NO_DEVICE_REACHED')) throw error;
        failed.push({ member, result: { failed: error } });
      }
    }
    const next = { ...message, remaining, unreached };
    if (remaining.length > 0) return { outcomes: failed, message: next };
    await this.#seal(tx, next, group, inUse);
    const outcomes = [...failed, ...this.#ownChains.outcomes(inUse)];
    if (unreached.length === 0) return { outcomes, message: undefined };
    return { outcomes, message: { ...next, byChain: false, remaining: unreached, unreached: [] } };
  }

  /**
   * Gives a member our chain, with the changes that they lack.
   * @throws NO_DEVICE_REACHED, LIMIT_EXCEEDED
   */
  async give(
    tx: Transaction,
    message: FanoutRecord,
    group: KnownGroup,
    member: PublicKey,
    inUse: ChainInUse,
  ): Promise<{ readonly inUse: ChainInUse; readonly devices: readonly DeviceOutcome[] }> {
    const senderKey = this.#ownChains.keyFor(inUse, member);
    const parts = await this.#memberSync.partsFor(tx, message, group, member, senderKey);
    let devices: readonly DeviceOutcome[] = [];
    for (const value of parts) {
      const content = encodePayload({ kind: 'group', group: value });
      ({ devices } = await this.#sender.encryptTo(tx, member, content, message.id));
    }
    // It is in the last part.
    return { inUse: this.#ownChains.noteGiven(tx, inUse, member, devices), devices };
  }

  async #seal(
    tx: Transaction,
    message: FanoutRecord,
    { log, record }: KnownGroup,
    inUse: ChainInUse,
  ): Promise<void> {
    const changes = this.#ownChains.changedLately(inUse) ? this.#memberSync.latest(record, log) : [];
    const content = GroupPayload.encode({
      groupId: message.groupId,
      membershipHash: log.membershipHash,
      changes: [...changes],
      payload: message.payload,
      request: false,
      senderKey: new Uint8Array(0),
      wantedChains: [],
    }).finish();
    const sealed = await this.#ownChains.seal(tx, inUse, content);
    this.#sender.sendToGroup(tx, log.groupId, sealed, message.id);
  }
}
