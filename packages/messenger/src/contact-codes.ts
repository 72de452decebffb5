import { compareBytes, decodeHex, encodeHex, type PublicKey } from '@sotto/core';
import type { Device } from './device/device.js';
import type { Effects } from './effects.js';
import type { Listening } from './listening.js';
import type { Settings } from './options.js';
import { OF_OURS } from './outbox.js';
import type { Sending } from './sending.js';
import type { Steps } from './steps.js';
import type { UnitOfWork } from './storage/ledger.js';
import { contactTable } from './storage/tables.js';
import { contactCodeChannel } from './topics.js';

/** Contacts that are told our bundle in one step. */
const ANNOUNCED_AT_ONCE = 16;

/** Bundles on contact-code topics: ours is published, that of others is looked for. Wire profile, section 6. */
export class ContactCodes {
  readonly #device: Device;
  readonly #listening: Listening;
  readonly #sending: Sending;
  readonly #steps: Steps;
  readonly #settings: Pick<Settings, 'crypto' | 'clock' | 'limits'>;

  constructor(
    device: Device,
    listening: Listening,
    sending: Sending,
    steps: Steps,
    settings: Pick<Settings, 'crypto' | 'clock' | 'limits'>,
  ) {
    this.#device = device;
    this.#listening = listening;
    this.#sending = sending;
    this.#steps = steps;
    this.#settings = settings;
  }

  /** Publishes ours, and again after a while. */
  async publish(): Promise<void> {
    const { crypto, limits } = this.#settings;
    await this.#steps.run(async (work, effects) => {
      const message = await this.#device.encodePublic(work);
      const { name } = contactCodeChannel(crypto, this.#device.identity);
      this.#sending.post(work, effects, { $case: 'publicName', value: name }, message, OF_OURS);
    });
    this.#steps.later('publish', limits.contactCodeIntervalMs, () => {
      this.#steps.inBackground(this.#cleanUp());
      this.#steps.inBackground(this.publish());
    });
  }

  /**
   * Keeps a contact, and tells it our bundle if this device has not done so yet. A peer that knows other devices of ours
   * and talks to them on a negotiated topic writes to this one only when it has heard of it.
   */
  async announceTo(work: UnitOfWork, effects: Effects, identity: PublicKey, name: string): Promise<void> {
    const known = await work.get(contactTable, encodeHex(identity));
    const isUs = compareBytes(identity, this.#device.identity) === 0;
    if (!known?.announced && !isUs) await this.#sending.tellBundle(work, effects, identity);
    work.put(contactTable, { name, announced: true }, encodeHex(identity));
  }

  /** Tells our bundle to the contacts that this device has brought from another one, some in each step. */
  async announceToContacts(): Promise<void> {
    for (let after = ''; !this.#steps.closed; ) {
      const next = await this.#steps.run(async (work, effects) => {
        const page = await work.page(contactTable, after, ANNOUNCED_AT_ONCE);
        for (const { segments, value } of page.records) {
          if (value.announced) continue;
          const identity = decodeHex(segments[0] as string) as PublicKey;
          await this.announceTo(work, effects, identity, value.name);
        }
        return page.next;
      });
      if (next === undefined) return;
      after = next;
    }
  }

  /** Deletes what is over, by a time that has certainly come: some in each step, so that nothing waits long. */
  async #cleanUp(): Promise<void> {
    const time = await this.#steps.run((work) => this.#device.certainTime(work));
    if (time === undefined) return;
    let position = await this.#steps.run((work) => this.#device.deleteExpired(work, undefined, time));
    while (position !== undefined && !this.#steps.closed) {
      const from = position;
      position = await this.#steps.run((work) => this.#device.deleteExpired(work, from, time));
    }
  }

  /** Listens for an identity's from now on, and asks history. @returns whether a device of it is known now */
  async lookUp(identity: PublicKey): Promise<boolean> {
    const { crypto, clock, limits } = this.#settings;
    this.#listening.watch(identity);
    await this.#listening.listen();
    const now = clock.now();
    await this.#listening.connection?.history?.({
      channels: [contactCodeChannel(crypto, identity)],
      from: now - limits.lookUpMs,
      to: now + limits.maxClockAheadMs,
    });
    return this.#steps.run(async (work) => (await this.#device.devices(work, identity)).length > 0);
  }
}
