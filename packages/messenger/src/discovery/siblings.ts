import { compareBytes } from '@sotto/core';
import type { ReadTransaction, Transaction } from '@sotto/device';
import { offerOf, storedNow, storedOffer } from '@sotto/device/internal';
import type { FoundBundle } from '@sotto/directories';
import type { SignedPreKey } from '@sotto/protocol-codec';
import type { MessengerContext } from '../runtime/context.js';
import { type SiblingRecord, siblingTable } from './tables.js';

const UNKNOWN: SiblingRecord = {
  signedPreKey: new Uint8Array(0),
  version: 0,
  protocolVersion: 0,
  timestamp: 0n,
  foundAt: 0n,
  unlinked: false,
  hybrid: undefined,
};

/**
 * Other devices of our identity that publish in the same directories. A directory keeps one bundle of each identity, so whichever
 * device publishes last includes the others, whether paired or not; otherwise those who have only the directory would not
 * write to them. A device that has not shown a new prekey for long is left out: it is lost, or switched off.
 */
export class Siblings {
  readonly #context: MessengerContext;

  constructor(context: MessengerContext) {
    this.#context = context;
  }

  /** Takes note of the devices of a verified bundle of our identity that another device has signed. */
  async note(tx: Transaction, { bundle, devices }: Pick<FoundBundle, 'bundle' | 'devices'>): Promise<void> {
    const { device, settings } = this.#context;
    const { timestamp } = bundle;
    // An old bundle, which a directory may give again, brings no lost device back.
    if (this.#isOver(Number(timestamp / 1_000_000n))) return;
    for (const { installationId, signedPreKey, version, protocolVersion, hybrid } of devices) {
      if (installationId === device.installationId) continue;
      const known = await tx.get(siblingTable, installationId);
      if (known !== undefined && known.timestamp >= timestamp) continue;
      // Our devices repeat each other's prekeys: only a new one is a sign of life.
      const isNew = known === undefined || compareBytes(known.signedPreKey, signedPreKey) !== 0;
      const foundAt = isNew ? storedNow(settings.clock) : known.foundAt;
      const { unlinked } = known ?? UNKNOWN;
      // A device that doesn't know the suite lists others without their offers.
      const offer = hybrid === undefined && !isNew ? known.hybrid : hybrid && storedOffer(hybrid);
      const found = { signedPreKey, version, protocolVersion, timestamp, foundAt, unlinked, hybrid: offer };
      tx.put(siblingTable, found, installationId);
    }
  }

  /** The user has unlinked a device: it is not published any more, whatever others or itself publish of it. */
  async unlink(tx: Transaction, installationId: string): Promise<void> {
    const known = (await tx.get(siblingTable, installationId)) ?? UNKNOWN;
    tx.put(siblingTable, { ...known, unlinked: true }, installationId);
  }

  /** Those to be published, by installation id; the one that showed a new prekey last comes first. */
  async list(tx: ReadTransaction): Promise<ReadonlyMap<string, SignedPreKey>> {
    return new Map(
      (await this.#all(tx))
        .filter(([, { foundAt, unlinked }]) => !unlinked && !this.#isOver(Number(foundAt)))
        .map(([installationId, { signedPreKey, version, protocolVersion, hybrid }]) => [
          installationId,
          { signedPreKey, version, protocolVersion, ...(hybrid && { hybrid: offerOf(hybrid) }) },
        ]),
    );
  }

  /**
   * Deletes those beyond what is remembered of an identity, those that were unlinked last of all. The others stay when they are over, so that they don't begin again
   * when another device repeats them.
   */
  async deleteExcess(tx: Transaction): Promise<void> {
    const { maxKnownDevices } = this.#context.settings.limits;
    const all = (await this.#all(tx)).toSorted(([, a], [, b]) => Number(b.unlinked) - Number(a.unlinked));
    for (const [installationId] of all.slice(maxKnownDevices)) {
      tx.delete(siblingTable, installationId);
    }
  }

  async #all(tx: ReadTransaction): Promise<readonly (readonly [string, SiblingRecord])[]> {
    const found: (readonly [string, SiblingRecord])[] = [];
    for await (const { segments, value } of tx.list(siblingTable, [], () => {})) {
      found.push([segments[0] as string, value]);
    }
    return found.sort(([, a], [, b]) => Number(b.foundAt - a.foundAt));
  }

  #isOver(time: number): boolean {
    const { clock, limits } = this.#context.settings;
    return Math.abs(clock.now() - time) > limits.siblingMs;
  }
}
