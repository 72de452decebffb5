import { compareBytes, encodeHex, isSottoError, type PublicKey } from '@sotto/core';
import type { Transaction } from '@sotto/device';
import { GroupPayload } from '../generated/sotto/messenger/v1/payload.js';
import type { Outbox } from '../outbound/outbox.js';
import type { Sender } from '../outbound/sender.js';
import type { MessengerContext } from '../runtime/context.js';
import { encodePayload } from '../runtime/payload.js';
import type { MemberDelivery, MemberOutcome } from '../runtime/results.js';
import { groupChannelName } from '../runtime/topics.js';
import type { FanoutRecord } from '../storage/records.js';
import type { BatchDone } from './batch-done.js';
import type { MemberSync } from './member-sync.js';
import { nextBatch } from './next-batch.js';
import type { ChainInUse, OwnChains } from './own-chains.js';
import type { KnownGroup } from './records.js';

/**
 * Sends a message to a whole group: first our chain to the members who lack it, some in each commit, then the message once, under
 * that chain, and last to members of whom no device is known.
 */
export class ChainFanOut {
  readonly #context: MessengerContext;
  readonly #memberSync: MemberSync;
  readonly #ownChains: OwnChains;
  readonly #sender: Sender;
  readonly #outbox: Outbox;

  constructor(
    context: MessengerContext,
    memberSync: MemberSync,
    ownChains: OwnChains,
    { sender, outbox }: { readonly sender: Sender; readonly outbox: Outbox },
  ) {
    this.#context = context;
    this.#memberSync = memberSync;
    this.#ownChains = ownChains;
    this.#sender = sender;
    this.#outbox = outbox;
  }

  /** Does one step. @throws LIMIT_EXCEEDED when the outbox is full */
  async step(tx: Transaction, queued: FanoutRecord, group: KnownGroup): Promise<BatchDone> {
    const total = group.log.state.members.length;
    const { device, settings } = this.#context;
    let inUse = await this.#ownChains.ready(tx, group.log);
    const name = inUse.chain.chain;
    // Replaced since the last step, or the first one.
    const message: FanoutRecord =
      encodeHex(queued.chain) === encodeHex(name)
        ? queued
        : { ...queued, chain: name, remaining: [...inUse.recipients.lacking], withoutDevice: [] };
    const batch = nextBatch(message.remaining, settings.limits.fanoutBatch);
    const remaining = message.remaining.slice(batch.length);
    const withoutDevice = [...message.withoutDevice];
    const failed: MemberOutcome[] = [];
    for (const member of batch) {
      if (!group.log.isMember(encodeHex(member))) continue;
      if ((await device.activeInstallations(tx, member)).length === 0) {
        withoutDevice.push(member);
        continue;
      }
      try {
        ({ inUse } = await this.give(tx, { ...message, payload: undefined }, group, member, inUse));
      } catch (error) {
        if (!isSottoError(error, 'NO_DEVICE_REACHED')) throw error;
        failed.push({ member, result: { failed: error } });
      }
    }
    const next = { ...message, remaining, withoutDevice };
    if (remaining.length > 0) return { outcomes: failed, total, next };
    await this.#seal(tx, next, group, inUse);
    const outcomes = [...failed, ...this.#ownChains.outcomes(inUse)];
    if (withoutDevice.length === 0) return { outcomes, total, next: undefined };
    const rest = { ...next, byChain: false, remaining: withoutDevice, withoutDevice: [] };
    return { outcomes, total, next: rest };
  }

  /**
   * Gives a member the chains that they have asked for, or our chain along with a change of the group if they lack it.
   * @returns what was encrypted; `undefined` when there was none to give
   */
  async giveAlong(
    tx: Transaction,
    message: FanoutRecord,
    group: KnownGroup,
    member: PublicKey,
  ): Promise<MemberDelivery | undefined> {
    const { log } = group;
    if (message.payload !== undefined || !log.isMember(encodeHex(member))) return undefined;
    // Not outside of sessions: whoever has the identity key later would read the whole chain.
    if ((await this.#context.device.activeInstallations(tx, member)).length === 0) return undefined;
    let delivery: MemberDelivery | undefined;
    for (const name of message.givenChains) {
      const chain = await this.#ownChains.requested(tx, log, name);
      if (chain === undefined) continue;
      ({ delivery } = await this.give(tx, message, group, member, chain));
    }
    const inUse = await this.#ownChains.readyIfUsed(tx, log);
    const lacks = inUse?.recipients.lacking.some((one) => compareBytes(one, member) === 0);
    if (inUse === undefined || lacks !== true) return delivery;
    return (await this.give(tx, message, group, member, inUse)).delivery;
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
  ): Promise<{ readonly inUse: ChainInUse; readonly delivery: MemberDelivery }> {
    const senderKey = this.#ownChains.keyFor(inUse, member);
    const parts = await this.#memberSync.partsFor(tx, message, group, member, senderKey);
    let delivery: MemberDelivery = { devices: [], sealedSender: false };
    for (const value of parts) {
      const content = encodePayload({ kind: 'group', group: value });
      const { devices, sealedSender } = await this.#sender.encryptTo(tx, member, content, message.id);
      delivery = { devices, sealedSender };
    }
    // It is in the last part.
    return { inUse: this.#ownChains.noteGiven(tx, inUse, member, delivery.devices), delivery };
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
    const channel = {
      kind: 'public',
      name: groupChannelName(this.#context.settings.crypto, message.groupId),
    } as const;
    this.#outbox.post(tx, channel, sealed, message.id);
  }
}
