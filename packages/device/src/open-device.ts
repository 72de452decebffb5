import {
  compareBytes,
  type InstallationId,
  type KeyPair,
  type PublicKey,
  parseInstallationId,
  SottoError,
  type Store,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { secp256k1Suite } from '@sotto/double-ratchet';
import {
  type Bundle,
  decodeProtocolMessage,
  encodeContactCode,
  type SignedPreKey,
} from '@sotto/protocol-codec';
import type { VerifiedBundle } from '@sotto/x3dh';
import { countAnswer } from './answers.js';
import type { DeviceContext } from './context.js';
import { type DecryptOptions, type DecryptOutcome, decryptMessage } from './decryption.js';
import type { Device, DeviceInfo, MessengerDevice } from './device.js';
import {
  type EncryptedMessage,
  type EncryptOptions,
  encodePublic,
  encryptDh,
  encryptDirect,
} from './encryption.js';
import { deleteExpired, type SweepPosition, sweep } from './expiry.js';
import { DEFAULT_DEVICE_LIMITS } from './limits.js';
import { publicMessageIdFor, readMessage, signedTime } from './messages.js';
import { NegotiatedSecrets } from './negotiated-secrets.js';
import { checkClock, checkCrypto, checkDeviceOptions, type DeviceOptions } from './options.js';
import { OwnBundle } from './own-bundle.js';
import { certainTime, storedNow } from './own-clock.js';
import {
  activeDevices,
  BundleCache,
  type BundleNews,
  deletePeer,
  findDevice,
  getPeer,
  putPeer,
  withDevice,
  withoutSessions,
} from './peers.js';
import {
  currentPreKey,
  ownDeviceRecord,
  putNewPreKey,
  renewEpoch,
  renewPreKey,
  rotatePreKeyIfDue,
  timeUntilRotation,
} from './pre-keys.js';
import { type Remedy, remedyFor } from './remedy.js';
import { countRequest, getRequest, isAccepted, listRequests, type MessageRequest } from './requests.js';
import { dayOfSealed, isSealed } from './sealed/sealed-message.js';
import { sealedSender } from './sealed/sealed-sender.js';
import { SealingKeys } from './sealed/sealing-keys.js';
import { refuseRepeated } from './seen-messages.js';
import type { PeerDevice } from './storage/records.js';
import { deviceTable } from './storage/tables.js';
import type { ReadTransaction, Transaction, TransactionOptions } from './storage/transaction.js';
import { TransactionManager } from './storage/transaction-manager.js';
import { forgetStranger, getStrangers, isLetIn, raiseStanding } from './strangers.js';

/**
 * Opens a store as a device of an identity; a new store becomes a new device.
 *
 * @throws INVALID_ARGUMENT when the store belongs to another identity or installation; INVALID_TEXT; what the
 *   store throws
 */
export function openDevice(options: DeviceOptions): Promise<Device> {
  return openMessengerDevice(options);
}

/** Like {@link openDevice}, with the additional members that a messenger needs. */
export async function openMessengerDevice(options: DeviceOptions): Promise<MessengerDevice> {
  checkDeviceOptions(options);
  const { identity, store, crypto, clock, hybrid } = options;
  // A device has no defaults for these.
  checkCrypto(crypto);
  checkClock(clock);
  const offersSealed = options.sealedSender ?? false;
  const wanted =
    options.installationId === undefined ? undefined : parseInstallationId(options.installationId);
  const transactions = new TransactionManager(store, crypto, options.onHookError);
  const installationId = await transactions.transaction(async (tx) => {
    const known = await tx.get(deviceTable);
    if (known !== undefined) {
      if (compareBytes(known.identity, identity.publicKey) !== 0) throw notOurs('identity');
      if (wanted !== undefined && wanted !== known.installationId) throw notOurs('installation id');
      if (options.restored ?? store.continuity === 'rolled-back')
        await renewEpoch(tx, { crypto, clock, hybrid, offersSealed }, known);
      return known.installationId as InstallationId;
    }
    const id = wanted ?? randomInstallationId(crypto);
    const device = {
      identity: identity.publicKey,
      installationId: id,
      createdAt: storedNow(clock),
      currentPreKey: new Uint8Array(0),
      epoch: 0,
    };
    putNewPreKey(tx, { crypto, clock, hybrid, offersSealed }, device, 0);
    return id;
  });
  const negotiated = new NegotiatedSecrets(crypto, identity);
  const context: DeviceContext = {
    crypto,
    clock,
    suite: secp256k1Suite(crypto),
    identity,
    installationId,
    limits: { ...DEFAULT_DEVICE_LIMITS, ...options.limits },
    negotiated,
    sealing: new SealingKeys(crypto, identity.publicKey, negotiated),
    hybrid,
    offersSealed,
  };
  await transactions.transaction((tx) => deleteExpired(tx, context));
  return new StoredDevice(store, transactions, context);
}

/** The error for a store that belongs to another identity or installation. */
export function notOurs(what: string): SottoError {
  return new SottoError(
    'INVALID_ARGUMENT',
    `This store belongs to another ${what}. Open it with the right one, or use an empty store.`,
    {
      what,
      reason: 'the store belongs to another one',
    },
  );
}

/** A random UUID (RFC 9562, version 4), as deployed clients name their installations. */
function randomInstallationId(crypto: CryptoProvider): InstallationId {
  const bytes = crypto.randomBytes(16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return parseInstallationId(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'));
}

/** A device over its store. */
class StoredDevice implements MessengerDevice {
  readonly #store: Store;
  readonly #transactions: TransactionManager;
  readonly #context: DeviceContext;
  readonly #ownBundle = new OwnBundle();
  readonly #bundles = new BundleCache();
  #onPreKeyRotated: () => unknown = () => {};

  constructor(store: Store, transactions: TransactionManager, context: DeviceContext) {
    this.#store = store;
    this.#transactions = transactions;
    this.#context = context;
  }

  transaction<T>(run: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#transactions.transaction(run, options);
  }

  durable(): Promise<void> {
    return this.#transactions.durable();
  }

  read<T>(run: (tx: ReadTransaction) => Promise<T>): Promise<T> {
    return this.#transactions.read(run);
  }

  settled(): Promise<void> {
    return this.#transactions.settled();
  }

  get identity(): PublicKey {
    return this.#context.identity.publicKey;
  }

  get installationId(): InstallationId {
    return this.#context.installationId;
  }

  async bundle(tx: ReadTransaction): Promise<VerifiedBundle> {
    return this.#ownBundle.get(tx, this.#context, await currentPreKey(tx));
  }

  async bundleWith(
    tx: ReadTransaction,
    others: ReadonlyMap<string, SignedPreKey>,
    after: bigint,
  ): Promise<VerifiedBundle> {
    return this.#ownBundle.getWith(tx, this.#context, await currentPreKey(tx), others, after);
  }

  async contactCode(tx: ReadTransaction): Promise<string> {
    return encodeContactCode(await this.bundle(tx));
  }

  async currentPreKey(
    tx: ReadTransaction,
  ): Promise<{ readonly publicKey: Uint8Array; readonly version: number }> {
    const { publicKey, version } = await currentPreKey(tx);
    return { publicKey, version };
  }

  async rotatePreKeyIfDue(tx: Transaction): Promise<boolean> {
    return this.#publishIf(tx, await rotatePreKeyIfDue(tx, this.#context));
  }

  async renewPreKey(tx: Transaction): Promise<boolean> {
    return this.#publishIf(tx, await renewPreKey(tx, this.#context));
  }

  async timeUntilRotation(tx: ReadTransaction): Promise<number> {
    return timeUntilRotation(tx, this.#context);
  }

  onPreKeyRotated(publish: () => unknown): void {
    this.#onPreKeyRotated = publish;
  }

  async processBundle(tx: Transaction, bundle: Bundle): Promise<BundleNews> {
    const verified = this.#bundles.verify(this.#context, bundle);
    const news = await this.#bundles.apply(tx, this.#context, verified);
    await raiseStanding(tx, this.#context, verified.identity, 'known');
    return news;
  }

  async encryptDirect(
    tx: Transaction,
    to: PublicKey,
    payload: Uint8Array,
    { mayBeSealed }: EncryptOptions = {},
  ): Promise<EncryptedMessage> {
    await this.rotatePreKeyIfDue(tx);
    const { epoch } = await ownDeviceRecord(tx);
    const own = { preKey: await currentPreKey(tx), epoch };
    const outgoing = { bundle: await this.bundle(tx), own, mayBeSealed };
    return encryptDirect(tx, this.#context, to, payload, outgoing);
  }

  async encryptDh(tx: Transaction, to: PublicKey, payload: Uint8Array): Promise<EncryptedMessage> {
    await this.rotatePreKeyIfDue(tx);
    return encryptDh(this.#context, to, payload, await this.bundle(tx));
  }

  async encodePublic(tx: Transaction, payload?: Uint8Array): Promise<Uint8Array> {
    await this.rotatePreKeyIfDue(tx);
    const bundle = await this.#ownBundle.get(tx, this.#context, await currentPreKey(tx), true);
    return encodePublic(this.#context, bundle, payload);
  }

  async decrypt(
    tx: Transaction,
    from: PublicKey,
    message: Uint8Array,
    options?: DecryptOptions,
  ): Promise<DecryptOutcome> {
    return decryptMessage(tx, this.#context, this.#bundles, from, message, options);
  }

  sealingKey(to: PublicKey, message: Uint8Array): KeyPair | undefined {
    if (!isSealed(message)) return undefined;
    const { sealing, identity } = this.#context;
    return sealing.get({ sender: identity.publicKey, recipient: to }, dayOfSealed(message)).signer;
  }

  isSealed(message: Uint8Array): boolean {
    return isSealed(message);
  }

  sealedSender(peer: PublicKey, signer: PublicKey, message: Uint8Array): PublicKey | undefined {
    return isSealed(message) ? sealedSender(this.#context, peer, signer, message) : undefined;
  }

  async rememberSent(tx: Transaction, message: Uint8Array, channel: string): Promise<void> {
    const messageId = publicMessageIdFor(this.#context.crypto, this.identity, message, channel);
    const signedAt = signedTime(this.identity, decodeProtocolMessage(message));
    await refuseRepeated(tx, this.#context, { messageId, signedAt, sentAt: undefined });
  }

  async devices(tx: ReadTransaction, identity: PublicKey): Promise<readonly DeviceInfo[]> {
    return (await getPeer(tx, identity)).devices.map(infoOf);
  }

  async activeInstallations(tx: ReadTransaction, identity: PublicKey): Promise<readonly string[]> {
    const peer = await getPeer(tx, identity);
    return activeDevices(peer, this.#context.limits.maxActiveDevices).map(
      ({ installationId }) => installationId,
    );
  }

  async storeEpoch(tx: ReadTransaction): Promise<number> {
    return (await ownDeviceRecord(tx)).epoch;
  }

  async hasPairedDevices(tx: ReadTransaction): Promise<boolean> {
    return activeDevices(await getPeer(tx, this.identity), 1).length > 0;
  }

  async updateDevice(
    tx: Transaction,
    identity: PublicKey,
    installationId: string,
    change: Partial<Pick<DeviceInfo, 'enabled' | 'name' | 'metadata'>>,
  ): Promise<void> {
    const peer = await getPeer(tx, identity);
    const device = findDevice(peer, installationId);
    if (device === undefined) {
      throw new SottoError('NOT_FOUND', 'No such device is known. It has to send something first.', {
        what: 'device',
        id: installationId,
      });
    }
    putPeer(
      tx,
      identity,
      withDevice(peer, {
        ...device,
        ...change,
        metadata: change.metadata ? new Map(change.metadata) : device.metadata,
      }),
    );
  }

  async resetSessions(tx: Transaction, identity: PublicKey, installationId?: string): Promise<void> {
    const peer = await getPeer(tx, identity);
    const devices = peer.devices.map((device) =>
      installationId === undefined || device.installationId === installationId
        ? withoutSessions(device)
        : device,
    );
    putPeer(tx, identity, { ...peer, devices });
  }

  negotiatedSecret(identity: PublicKey): Uint8Array {
    return this.#context.negotiated.get(identity);
  }

  async deleteExpired(
    tx: Transaction,
    from?: SweepPosition,
    time = this.#context.clock.now(),
  ): Promise<SweepPosition> {
    if (from === undefined) await deleteExpired(tx, this.#context);
    return sweep(tx, this.#context, time, from);
  }

  async certainTime(tx: Transaction): Promise<number | undefined> {
    return certainTime(tx, this.#context);
  }

  async remedyFor(tx: ReadTransaction, from: PublicKey, message: Uint8Array): Promise<Remedy> {
    return remedyFor(tx, this.#context, from, readMessage(this.#context, from, message));
  }

  async countRequest(
    tx: Transaction,
    identity: PublicKey,
    bytes: number,
  ): Promise<{ readonly isNew: boolean }> {
    return countRequest(tx, this.#context, identity, bytes);
  }

  async requests(tx: ReadTransaction): Promise<readonly MessageRequest[]> {
    return listRequests(tx, this.#context);
  }

  async isAccepted(tx: ReadTransaction, identity: PublicKey): Promise<boolean> {
    return isAccepted(this.#context, identity, await getPeer(tx, identity));
  }

  async isKnown(tx: ReadTransaction, identity: PublicKey): Promise<boolean> {
    return isLetIn(await getPeer(tx, identity));
  }

  async countAnswer(tx: Transaction, identity: PublicKey): Promise<boolean> {
    return countAnswer(tx, this.#context, identity);
  }

  async answeredStrangers(tx: ReadTransaction): Promise<readonly PublicKey[]> {
    const { wrote } = await getStrangers(tx);
    return wrote.filter(({ answered }) => answered).map(({ identity }) => identity as PublicKey);
  }

  async request(tx: ReadTransaction, identity: PublicKey): Promise<MessageRequest | undefined> {
    return getRequest(tx, this.#context, identity);
  }

  async isVerified(tx: ReadTransaction, identity: PublicKey): Promise<boolean> {
    return (await getPeer(tx, identity)).verified;
  }

  async setVerified(tx: Transaction, identity: PublicKey, verified: boolean): Promise<void> {
    putPeer(tx, identity, { ...(await getPeer(tx, identity)), verified });
  }

  async forgetStranger(tx: Transaction, identity: PublicKey): Promise<void> {
    await forgetStranger(tx, identity);
    if (!isLetIn(await getPeer(tx, identity))) await deletePeer(tx, identity);
  }

  async accept(tx: Transaction, identity: PublicKey): Promise<void> {
    await raiseStanding(tx, this.#context, identity, 'accepted');
  }

  async close(): Promise<void> {
    await this.#transactions.settled();
    await this.#store.close();
  }

  #publishIf(tx: Transaction, rotated: boolean): boolean {
    if (rotated) tx.onCommit('send', () => this.#onPreKeyRotated());
    return rotated;
  }
}

function infoOf(device: PeerDevice): DeviceInfo {
  const { installationId, enabled, version, protocolVersion, timestamp, name, metadata, hybrid } = device;
  return {
    installationId,
    enabled,
    preKeyVersion: version,
    protocolVersion,
    isHybrid: hybrid !== undefined,
    lastActiveAt: Number(timestamp / 1_000_000n),
    name,
    metadata: new Map(metadata),
  };
}
