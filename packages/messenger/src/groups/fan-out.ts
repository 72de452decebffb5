import { compareBytes, copyBytes, encodeHex, isSottoError, type PublicKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { Device } from '../device/device.js';
import type { DeviceOutcome } from '../device/encryption.js';
import type { Effects } from '../effects.js';
import type { FanoutRecord } from '../generated/sotto/messenger/v1/storage.js';
import type { MessengerLimits } from '../limits.js';
import type { GroupSendOptions } from '../options.js';
import { encodePayload } from '../payload.js';
import type { GroupSendResult, MemberOutcome } from '../results.js';
import type { SendOutcomes } from '../send-outcomes.js';
import type { Sending } from '../sending.js';
import type { Steps } from '../steps.js';
import type { UnitOfWork } from '../storage/ledger.js';
import { fanoutTable } from '../storage/tables.js';
import type { Groups, Outgoing } from './groups.js';

/** How long after a failure of the store a fan-out goes on. */
const RETRY_MS = 5_000;

/** Encrypts messages to groups for their members, some members in each commit, so that nothing else waits long. */
export class FanOut {
  readonly #device: Device;
  readonly #crypto: CryptoProvider;
  readonly #groups: Groups;
  readonly #outcomes: SendOutcomes;
  readonly #sending: Sending;
  readonly #steps: Steps;
  readonly #limits: Pick<MessengerLimits, 'fanoutBatch'>;
  #next = 0;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(
    device: Device,
    crypto: CryptoProvider,
    groups: Groups,
    outcomes: SendOutcomes,
    sending: Sending,
    steps: Steps,
    limits: Pick<MessengerLimits, 'fanoutBatch'>,
  ) {
    this.#device = device;
    this.#crypto = crypto;
    this.#groups = groups;
    this.#outcomes = outcomes;
    this.#sending = sending;
    this.#steps = steps;
    this.#limits = limits;
  }

  /** Reads what an earlier run left. */
  async load(work: UnitOfWork): Promise<void> {
    for (const { number, fanout } of await this.#pending(work)) {
      this.#next = Math.max(this.#next, Number(number) + 1);
      this.#outcomes.growing(encodeHex(fanout.id));
    }
  }

  /** Puts a message into the queue, with the step under way; {@link continue} goes on with it. */
  add(work: UnitOfWork, outgoing: Outgoing): { readonly id: string } {
    const id = this.#crypto.randomBytes(16);
    work.put(fanoutTable, { id, ...outgoing }, String(this.#next++).padStart(16, '0'));
    return { id: encodeHex(id) };
  }

  /** Ids of the messages that have yet to be encrypted for somebody. */
  async waiting(work: UnitOfWork): Promise<readonly string[]> {
    return (await this.#pending(work)).map(({ fanout }) => encodeHex(fanout.id));
  }

  /** Drops what is left of a message to a group; changes are told all the same. @returns how many members that leaves out */
  async drop(work: UnitOfWork, id: string): Promise<number> {
    let members = 0;
    for (const { number, fanout } of await this.#pending(work)) {
      if (encodeHex(fanout.id) !== id || fanout.payload === undefined) continue;
      work.delete(fanoutTable, number);
      members += fanout.remaining.length;
    }
    return members;
  }

  /**
   * Encrypts what waits for members: one message, or all that an earlier run left. One fan-out at a time; when the
   * store fails, the rest is tried again by itself.
   */
  continue(only?: string, options: GroupSendOptions = {}): Promise<GroupSendResult> {
    const run = this.#tail.then(() => this.#run(only, options));
    // Without the outcome, which is as long as the group.
    this.#tail = run.then(() => {}).catch(() => {});
    return run;
  }

  async #run(only: string | undefined, options: GroupSendOptions): Promise<GroupSendResult> {
    const members: MemberOutcome[] = [];
    try {
      for (const { number, fanout } of await this.#steps.run((work) => this.#pending(work))) {
        const id = encodeHex(fanout.id);
        if (only !== undefined && only !== id) continue;
        const total = fanout.remaining.length;
        this.#outcomes.growing(id);
        for (let left = total; left > 0; ) {
          const done = await this.#steps.run((work, effects) => this.#batch(work, effects, number));
          members.push(...done.outcomes);
          left = done.left;
          options.onProgress?.(total - left, total);
        }
        this.#outcomes.grown(id);
      }
    } catch (error) {
      this.#steps.later('fan-out', RETRY_MS, () => this.#steps.inBackground(this.continue()));
      throw error;
    }
    return { id: only ?? '', members };
  }

  /** The messages to encrypt for members, oldest first, left from an earlier run included. */
  async #pending(
    work: UnitOfWork,
  ): Promise<readonly { readonly number: string; readonly fanout: FanoutRecord }[]> {
    const found: { number: string; fanout: FanoutRecord }[] = [];
    for await (const { segments, value } of work.list(fanoutTable, [], () => {})) {
      found.push({ number: segments[0] as string, fanout: value });
    }
    return found;
  }

  async #batch(
    work: UnitOfWork,
    effects: Effects,
    number: string,
  ): Promise<{ readonly outcomes: readonly MemberOutcome[]; readonly left: number }> {
    const fanout = await work.get(fanoutTable, number);
    if (fanout === undefined) return { outcomes: [], left: 0 };
    // Fresh: an outcome that is kept shall not keep the whole record.
    const batch = fanout.remaining.slice(0, this.#limits.fanoutBatch).map((one) => copyBytes(one));
    const remaining = fanout.remaining.slice(batch.length);
    const outcomes: MemberOutcome[] = [];
    for (const member of batch as PublicKey[]) {
      const own = compareBytes(member, this.#device.identity) === 0;
      if (own && !(await this.#device.hasPairedDevices(work))) continue;
      try {
        const devices = await this.#encrypt(work, effects, fanout, member);
        if (devices !== undefined) outcomes.push({ member, result: { devices } });
      } catch (error) {
        if (!isSottoError(error, 'NO_DEVICE_REACHED')) throw error;
        outcomes.push({ member, result: { failed: error } });
      }
    }
    if (remaining.length === 0) work.delete(fanoutTable, number);
    else work.put(fanoutTable, { ...fanout, remaining }, number);
    return { outcomes, left: remaining.length };
  }

  /** @returns what became of it by device; `undefined` when there was nothing to send */
  async #encrypt(
    work: UnitOfWork,
    effects: Effects,
    fanout: FanoutRecord,
    member: PublicKey,
  ): Promise<readonly DeviceOutcome[] | undefined> {
    let devices: readonly DeviceOutcome[] | undefined;
    for (const value of await this.#groups.partsFor(work, fanout, member)) {
      const content = encodePayload({ $case: 'group', value });
      ({ devices } = await this.#sending.encryptTo(work, effects, member, content, fanout.id));
    }
    return devices;
  }
}
