import { compareBytes, encodeHex, type PublicKey, parseInstallationId, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import {
  type Device,
  type EncryptedMessage,
  messageIdFor,
  openDevice,
  type Transaction,
} from '@sotto/device';
import { decodeBundle, encodeBundle, encodeBundleJson, encodeContactCode } from '@sotto/protocol-codec';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { accountOf } from './account.js';
import { DeviceClock } from './device-clock.js';
import { invalid, type Request } from './request.js';
import { Unconfirmed } from './unconfirmed.js';

/** An answer without its id. */
export type Fields = Readonly<Record<string, unknown>>;

/** An open device and its commands. */
export class Party {
  readonly #device: Device;
  readonly #crypto: CryptoProvider;
  readonly #clock: DeviceClock;
  readonly #unconfirmed: Unconfirmed;

  private constructor(device: Device, crypto: CryptoProvider, clock: DeviceClock, unconfirmed: Unconfirmed) {
    this.#device = device;
    this.#crypto = crypto;
    this.#clock = clock;
    this.#unconfirmed = unconfirmed;
  }

  /** The command `open`. */
  static async open(
    request: Request,
    crypto: CryptoProvider,
  ): Promise<{ readonly party: Party; readonly answer: Fields }> {
    const installationId = parseInstallationId(request.text('install'));
    const key = request.optionalBytes('key');
    const given = key && crypto.secp256k1.keyPairFromPrivateKey(key);
    const clock = new DeviceClock(request.optionalTime('now'));
    const path = request.optionalText('db') ?? '';
    const store = path === '' ? createMemoryStore() : await createLevelDbStore({ path: parsePath(path) });
    try {
      const identity = await accountOf(store, crypto, given);
      const device = await openDevice({ identity, store, crypto, clock, installationId });
      const party = new Party(device, crypto, clock, await Unconfirmed.load(device));
      const answer = {
        identity: encodeHex(identity.publicKey),
        key: encodeHex(identity.privateKey),
        db: path,
      };
      return { party, answer };
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  async close(): Promise<Fields> {
    await this.#device.close();
    return {};
  }

  async clock(request: Request): Promise<Fields> {
    this.#clock.set(request.time('now'));
    return {};
  }

  async bundle(): Promise<Fields> {
    const bundle = await this.#device.transaction(async (tx) => {
      await this.#device.rotatePreKeyIfDue(tx);
      return this.#device.bundle(tx);
    });
    return {
      bundle: encodeHex(encodeBundle(bundle)),
      json: encodeBundleJson(bundle),
      contactCode: encodeContactCode(bundle),
    };
  }

  async processBundle(request: Request): Promise<Fields> {
    const bundle = decodeBundle(request.bytes('payload'));
    const { added } = await this.#device.transaction((tx) => this.#device.processBundle(tx, bundle));
    return { added };
  }

  async direct(request: Request): Promise<Fields> {
    const to = request.identity('to');
    const payload = request.bytes('payload');
    return this.#send(to, payload, (tx) => this.#device.encryptDirect(tx, to, payload));
  }

  async dh(request: Request): Promise<Fields> {
    const to = request.identity('to');
    const payload = request.bytes('payload');
    return this.#send(to, payload, (tx) => this.#device.encryptDh(tx, to, payload));
  }

  async public(request: Request): Promise<Fields> {
    const payload = request.bytes('payload');
    const message = await this.#device.transaction((tx) => this.#device.encodePublic(tx, payload));
    return { message: encodeHex(message) };
  }

  async handle(request: Request): Promise<Fields> {
    const from = request.identity('from');
    const message = request.bytes('message');
    const msgId = request.text('msgId');
    const again = await this.#unconfirmed.redeliver(messageIdFor(this.#crypto, from, message), msgId);
    if (again !== undefined) return { payload: encodeHex(again.payload), security: again.security };

    return this.#device.transaction(async (tx) => {
      const outcome = await this.#device.decrypt(tx, from, message);
      if (outcome.kind === 'bundle') return { payload: '', security: 'public' };
      if (outcome.kind === 'unreadable') throw this.#unreadable(outcome.reason);
      this.#unconfirmed.add(tx, from, outcome, msgId, this.#clock.now());
      return { payload: encodeHex(outcome.payload), security: outcome.protection };
    });
  }

  async confirm(request: Request): Promise<Fields> {
    await this.#unconfirmed.confirm(request.text('msgId'));
    return {};
  }

  async enable(request: Request): Promise<Fields> {
    return this.#pair(request.text('install'), true);
  }

  async disable(request: Request): Promise<Fields> {
    return this.#pair(request.text('install'), false);
  }

  async devices(request: Request): Promise<Fields> {
    const of = request.identity('of');
    const devices = await this.#device.read((tx) => this.#device.devices(tx, of));
    return {
      devices: devices.map(({ installationId, enabled, protocolVersion }) => ({
        id: installationId,
        enabled,
        version: protocolVersion,
      })),
    };
  }

  async state(): Promise<Fields> {
    const { identity, installationId } = this.#device;
    return this.#device.read(async (tx) => ({
      identity: encodeHex(identity),
      install: installationId,
      now: this.#clock.now(),
      clockFixed: this.#clock.isFixed,
      preKeyVersion: (await this.#device.currentPreKey(tx)).version,
      otherDevices: (await this.#device.devices(tx, identity)).length,
      unconfirmed: this.#unconfirmed.size,
    }));
  }

  /** Encrypts for someone and for our own paired devices, in one transaction. */
  async #send(
    to: PublicKey,
    payload: Uint8Array,
    encrypt: (tx: Transaction) => Promise<EncryptedMessage>,
  ): Promise<Fields> {
    const { identity } = this.#device;
    return this.#device.transaction(async (tx) => {
      const { message, devices, negotiatedSecret, topicMode } = await encrypt(tx);
      // An empty message only carries our bundle: our other devices need no copy.
      const copied =
        payload.length > 0 && compareBytes(to, identity) !== 0 && (await this.#device.hasPairedDevices(tx));
      const own = copied ? (await this.#device.encryptDirect(tx, identity, payload)).message : undefined;
      return {
        message: encodeHex(message),
        installations: devices
          .filter((device) => 'sent' in device && device.sent !== 'dh')
          .map(({ installationId }) => installationId),
        sharedSecret: negotiatedSecret === undefined ? '' : encodeHex(negotiatedSecret),
        topicMode,
        own: own === undefined ? '' : encodeHex(own),
      };
    });
  }

  async #pair(install: string, enabled: boolean): Promise<Fields> {
    const { identity } = this.#device;
    await this.#device.transaction((tx) => this.#device.updateDevice(tx, identity, install, { enabled }));
    return {};
  }

  #unreadable(reason: 'DEVICE_NOT_ADDRESSED' | 'SESSION_NOT_FOUND'): SottoError {
    const { installationId } = this.#device;
    return reason === 'DEVICE_NOT_ADDRESSED'
      ? new SottoError(reason, 'The message has no entry for this device.', { installationId })
      : new SottoError(reason, 'No session here fits the message.', { installationId });
  }
}

export function parsePath(path: string): string {
  if (path.includes('\0')) throw invalid('db', 'not a path');
  return path;
}
