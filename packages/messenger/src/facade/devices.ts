import { copyBytes, type PublicKey } from '@sotto/core';
import type { DeviceInfo } from '@sotto/device';
import type { Sender } from '../outbound/sender.js';
import type { MessengerContext } from '../runtime/context.js';
import { encodePayload } from '../runtime/payload.js';

/** Our other devices, the devices of peers, and the sessions with them: `messenger.devices`. */
export class MessengerDevices {
  readonly #context: MessengerContext;
  readonly #sender: Sender;

  /** @internal */
  constructor(context: MessengerContext, sender: Sender) {
    this.#context = context;
    this.#sender = sender;
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
