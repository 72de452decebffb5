import type { PublicKey } from '@sotto/core';
import type { Device } from './device/device.js';
import { getPeer, putPeer } from './device/peers.js';
import type { Remedy } from './device/remedy.js';
import type { Effects } from './effects.js';
import type { Listening } from './listening.js';
import type { Settings } from './options.js';
import type { Sending } from './sending.js';
import type { UnitOfWork } from './storage/ledger.js';

/** Tells peers whose messages we can't read what we are, once in a while. Wire profile, section 5. */
export class Answers {
  readonly #device: Device;
  readonly #listening: Listening;
  readonly #sending: Sending;
  readonly #settings: Pick<Settings, 'clock' | 'limits'>;

  constructor(
    device: Device,
    listening: Listening,
    sending: Sending,
    settings: Pick<Settings, 'clock' | 'limits'>,
  ) {
    this.#device = device;
    this.#listening = listening;
    this.#sending = sending;
    this.#settings = settings;
  }

  /**
   * Answers with our bundle. An answer may move the sender to the negotiated topic at once, so that we listen to it.
   * @returns whether it was answered: not too often, neither to one identity nor to strangers all together
   */
  async answer(work: UnitOfWork, effects: Effects, to: PublicKey, remedy: Remedy): Promise<boolean> {
    if (!remedy.answer) return false;
    const { clock, limits } = this.#settings;
    const peer = await getPeer(work, to);
    const now = clock.now();
    // A time that has not come yet proves nothing.
    const since = now - Number(peer.answeredAt);
    if (peer.answeredAt !== 0n && since >= 0 && since < limits.answerIntervalMs) return false;
    const isStranger = !(await this.#device.isAccepted(work, to));
    if (isStranger && !(await this.#device.countAnswer(work, limits.strangerAnswersPerHour))) return false;
    if (remedy.renewPreKey) await this.#device.renewPreKey(work);
    putPeer(work, to, { ...peer, answeredAt: BigInt(Math.trunc(now)) });
    await this.#device.noteAnswered(work, to);
    await this.#sending.tellBundle(work, effects, to);
    if (isStranger) {
      await this.#listening.hearAnswered(work, effects);
    } else {
      this.#listening.hearNegotiated(work, effects, to);
    }
    return true;
  }
}
