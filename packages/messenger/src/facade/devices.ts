import { copyBytes, type PublicKey } from '@sotto/core';
import type { DeviceInfo } from '@sotto/device';
import type { Discovery } from '../discovery/discovery.js';
import type { BundlePublication } from '../outbound/bundle-publication.js';
import type { Sender } from '../outbound/sender.js';
import type { MessengerContext } from '../runtime/context.js';
import { encodePayload } from '../runtime/payload.js';

/** Our other devices, the devices of peers, and the sessions with them: `messenger.devices`. */
export class MessengerDevices {
  readonly #context: MessengerContext;
  readonly #sender: Sender;
  readonly #publication: BundlePublication;
  readonly #loadDiscovery: () => Promise<Discovery>;

  /** @internal */
  constructor(
    context: MessengerContext,
    sender: Sender,
    publication: BundlePublication,
    loadDiscovery: () => Promise<Discovery>,
  ) {
    this.#context = context;
    this.#sender = sender;
    this.#publication = publication;
    this.#loadDiscovery = loadDiscovery;
  }

  /**
   * What is known of an identity's devices.
   * @param identity 33 or 65 bytes. Default: our own, which lists our other devices
   * @throws INVALID_PUBLIC_KEY, STORE codes, CLOSED
   */
  async list(identity: Uint8Array = this.#own): Promise<readonly DeviceInfo[]> {
    const key = this.#context.settings.crypto.secp256k1.parsePublicKey(identity);
    return this.#context.runtime.read((tx) => this.#context.device.devices(tx, key));
  }

  /**
   * Pairs another device of our identity: it receives copies of what we send, and our bundle lists it.
   * @throws NOT_FOUND until something was received from it; STORE codes, CLOSED
   */
  async enable(installationId: string): Promise<void> {
    await this.#update(installationId, { enabled: true });
  }

  /**
   * Ends the pairing with another device of ours: it receives no more copies, and our bundle no longer lists it. The protocol
   * cannot revoke a device, so peers that know it go on writing to it while it is among our most recently active devices.
   * @throws NOT_FOUND, STORE codes, CLOSED
   */
  async disable(installationId: string): Promise<void> {
    await this.#update(installationId, { enabled: false });
  }

  /**
   * Gives up another device of ours, one that is sold or lost: as {@link disable}, without the name and metadata that we gave it; and a
   * bundle that doesn't list it is published at once, on our contact-code topic and in directories. It is sent as soon as we are connected.
   *
   * New contacts don't learn of that device from us. No message of the protocol says that a device is gone: people who know it go on
   * writing to it until three other devices of ours have been active since, and our further devices have to unlink it, each for itself. The device
   * keeps what it has: the private key, and with it all messages that are encrypted for it, and the ability to write in our name. For a stolen
   * device only a new identity helps.
   * @throws NOT_FOUND for this device or an unknown one; STORE codes, CLOSED
   */
  async unlink(installationId: string): Promise<void> {
    await this.#update(installationId, { enabled: false, name: '', metadata: new Map() });
    await (await this.#loadDiscovery()).unlink(installationId);
    await this.#publication.publish();
  }

  /** Sets the name or metadata of another device of ours. @throws NOT_FOUND, STORE codes, CLOSED */
  async describe(
    installationId: string,
    description: Partial<Pick<DeviceInfo, 'name' | 'metadata'>>,
  ): Promise<void> {
    await this.#update(installationId, description);
  }

  /**
   * Announces this device to the other devices of our identity: the first step of pairing.
   * @param payload what the application says about this device; encrypted to our identity, and received by them as a message. Borrowed.
   *   Default: nothing
   * @throws INVALID_ARGUMENT, STORE codes, CLOSED
   */
  async announce(payload?: Uint8Array): Promise<void> {
    const content = payload && encodePayload({ kind: 'application', payload: copyBytes(payload, 'payload') });
    await this.#context.runtime.transaction((tx) => this.#sender.sendBundle(tx, this.#own, content));
  }

  /**
   * Resets the sessions with an identity, or with one of its devices: the next message begins a new one.
   * @param identity 33 or 65 bytes
   * @param installationId default: all of its devices
   * @throws INVALID_PUBLIC_KEY, STORE codes, CLOSED
   */
  async resetSession(identity: Uint8Array, installationId?: string): Promise<void> {
    const { device, events, runtime, settings } = this.#context;
    const key = settings.crypto.secp256k1.parsePublicKey(identity);
    await runtime.transaction(async (tx) => {
      await device.resetSessions(tx, key, installationId);
      events.emitOnCommit(tx, 'sessionReset', { identity: key, installationId });
    });
  }

  get #own(): PublicKey {
    return this.#context.device.identity;
  }

  async #update(
    installationId: string,
    change: Partial<Pick<DeviceInfo, 'enabled' | 'name' | 'metadata'>>,
  ): Promise<void> {
    const { device, events, runtime } = this.#context;
    const { enabled } = change;
    await runtime.transaction(async (tx) => {
      await device.updateDevice(tx, this.#own, installationId, change);
      if (enabled !== undefined) events.emitOnCommit(tx, 'deviceEnabled', { installationId, enabled });
    });
  }
}
