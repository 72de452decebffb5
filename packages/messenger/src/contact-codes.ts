import type { PublicKey } from '@sotto/core';
import type { Device } from './device/device.js';
import type { Listening } from './listening.js';
import type { Settings } from './options.js';
import type { Sending } from './sending.js';
import type { Steps } from './steps.js';
import { contactCodeChannel } from './topics.js';

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
      this.#sending.post(
        work,
        effects,
        { $case: 'publicName', value: name },
        message,
        crypto.keccak256(message),
      );
    });
    this.#steps.later('publish', limits.contactCodeIntervalMs, () => {
      this.#steps.inBackground(this.#cleanUp());
      this.#steps.inBackground(this.publish());
    });
  }

  /** Deletes what is over: some in each step, so that nothing waits long. */
  async #cleanUp(): Promise<void> {
    let position = await this.#steps.run((work) => this.#device.deleteExpired(work));
    while (position !== undefined && !this.#steps.closed) {
      const from = position;
      position = await this.#steps.run((work) => this.#device.deleteExpired(work, from));
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
