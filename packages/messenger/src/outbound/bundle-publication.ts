import type { MessengerContext } from '../runtime/context.js';
import { contactCodeChannel } from '../runtime/topics.js';
import { NO_MESSAGE_ID, type Outbox } from './outbox.js';

/** Longest interval between checks of our signed prekey's age: timers are late when the machine slept. */
const CHECK_INTERVAL_MS = 60 * 60_000;

/** Publishes our bundle on our contact-code topic, and keeps its prekey fresh. Wire profile, sections 2 and 6. */
export class BundlePublication {
  readonly #context: MessengerContext;
  readonly #outbox: Outbox;
  readonly #alsoPublish: () => void;

  /** @param alsoPublish called with each publication */
  constructor(context: MessengerContext, outbox: Outbox, alsoPublish: () => void) {
    this.#context = context;
    this.#outbox = outbox;
    this.#alsoPublish = alsoPublish;
    context.device.onPreKeyRotated(() => context.runtime.inBackground(this.publish()));
  }

  /** Publishes our bundle, and schedules the next publication. */
  async publish(): Promise<void> {
    const { device, runtime, settings } = this.#context;
    this.#alsoPublish();
    try {
      await runtime.transaction(async (tx) => {
        const message = await device.encodePublic(tx);
        const { name } = contactCodeChannel(settings.crypto, device.identity);
        this.#outbox.post(tx, { kind: 'public', name }, message, NO_MESSAGE_ID);
      });
    } finally {
      runtime.schedule('publish', settings.limits.contactCodeIntervalMs, () =>
        runtime.inBackground(this.publish()),
      );
    }
  }

  /** From now on, rotates our signed prekey whenever it is due, even when nothing is sent. */
  async watchPreKey(): Promise<void> {
    const { device, runtime } = this.#context;
    let wait = CHECK_INTERVAL_MS;
    try {
      const left = await runtime.read((tx) => device.timeUntilRotation(tx));
      if (left > 0) wait = Math.min(wait, left);
      else await runtime.transaction((tx) => device.rotatePreKeyIfDue(tx));
    } finally {
      runtime.schedule('rotation', wait, () => runtime.inBackground(this.watchPreKey()));
    }
  }
}
