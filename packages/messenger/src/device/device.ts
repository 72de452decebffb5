import {
  compareBytes,
  type InstallationId,
  type PublicKey,
  parseInstallationId,
  SottoError,
  type Store,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { secp256k1Suite } from '@sotto/double-ratchet';
import { type Bundle, decodeProtocolMessage, encodeContactCode } from '@sotto/protocol-codec';
import type { VerifiedBundle } from '@sotto/x3dh';
import { type PeerDevice, Standing } from '../generated/sotto/messenger/v1/storage.js';
import { deviceTable } from '../storage/tables.js';
import type { ReadTransaction, Transaction } from '../storage/transaction.js';
import { TransactionManager, type Transactions } from '../storage/transaction-manager.js';
import type { DeviceContext } from './context.js';
import { type DecryptOptions, type DecryptOutcome, decryptMessage } from './decryption.js';
import { type EncryptedMessage, encodePublic, encryptDh, encryptDirect } from './encryption.js';
import { deleteExpired, type SweepPosition, sweep } from './expiry.js';
import { DEFAULT_DEVICE_LIMITS } from './limits.js';
import { publicMessageIdFor, signedTime } from './messages.js';
import { NegotiatedSecrets } from './negotiated-secrets.js';
import { checkDeviceOptions, type DeviceOptions } from './options.js';
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
import { countRequest, isAccepted, listRequests, type MessageRequest } from './requests.js';
import { refuseRepeated } from './seen-messages.js';
import { countAnswer, forgetStranger, getStrangers, isLetIn, noteWrote, raiseStanding } from './strangers.js';

/** A device of an identity, as the application sees it. */
export interface DeviceInfo {
  readonly installationId: string;
  /** Messages go to it. */
  readonly enabled: boolean;
  /** Version of its signed prekey; 0 while no bundle named it. */
  readonly preKeyVersion: number;
  /** 1 or more: understands negotiated topics. */
  readonly protocolVersion: number;
  /** Its last activity, milliseconds since the epoch by its own clock; 0 when unknown. */
  readonly lastActiveAt: number;
  /** The name that the user gave it. */
  readonly name: string;
  /** What the application keeps with it. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Opens a store as a device of an identity; a new store becomes a new device.
 *
 * @throws INVALID_ARGUMENT when the store belongs to another identity or installation; INVALID_TEXT; what the
 *   store throws
 */
export async function openDevice(options: DeviceOptions): Promise<Device> {
  checkDeviceOptions(options);
  const { identity, store, crypto, clock } = options;
  const wanted =
    options.installationId === undefined ? undefined : parseInstallationId(options.installationId);
  const transactions = new TransactionManager(store, crypto, options.onHookError);
  const installationId = await transactions.transaction(async (tx) => {
    const known = await tx.get(deviceTable);
    if (known !== undefined) {
      if (compareBytes(known.identity, identity.publicKey) !== 0) throw notOurs('identity');
      if (wanted !== undefined && wanted !== known.installationId) throw notOurs('installation id');
      if (options.restored ?? store.continuity === 'rolled-back')
        await renewEpoch(tx, { crypto, clock }, known);
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
    putNewPreKey(tx, { crypto, clock }, device, 0);
    return id;
  });
  const context: DeviceContext = {
    crypto,
    clock,
    suite: secp256k1Suite(crypto),
    identity,
    installationId,
    limits: { ...DEFAULT_DEVICE_LIMITS, ...options.limits },
    negotiated: new NegotiatedSecrets(crypto, identity),
  };
  await transactions.transaction((tx) => deleteExpired(tx, context));
  return new Device(store, transactions, context);
}

/** What opening a store for somebody else is refused with. */
export function notOurs(what: string): SottoError {
  return new SottoError(
    'INVALID_ARGUMENT',
    `This store belongs to another ${what}. Open it with its own, or use an empty store.`,
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

/**
 * One device of one identity: everything between a payload and a ProtocolMessage, over a store and without a
 * transport. `Messenger` is built on it; use it alone when you move the messages yourself.
 *
 * Each method works within a transaction: `device.transaction((tx) => device.encryptDirect(tx, ...))`. What it did is stored
 * when that resolves, all of it or nothing; hand out its result only then.
 */
export class Device implements Transactions {
  readonly #store: Store;
  readonly #transactions: TransactionManager;
  readonly #context: DeviceContext;
  readonly #ownBundle = new OwnBundle();
  readonly #bundles = new BundleCache();
  #onPreKeyRotated: () => unknown = () => {};

  /** @internal Made by {@link openDevice}. */
  constructor(store: Store, transactions: TransactionManager, context: DeviceContext) {
    this.#store = store;
    this.#transactions = transactions;
    this.#context = context;
  }

  /**
   * Runs a transaction on the store of this device. It may be run again before it is stored, so all that it does it does
   * through `tx`, commit hooks included.
   * @throws STORE codes
   */
  transaction<T>(run: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#transactions.transaction(run);
  }

  /** Runs a transaction that only reads. @throws STORE codes */
  read<T>(run: (tx: ReadTransaction) => Promise<T>): Promise<T> {
    return this.#transactions.read(run);
  }

  /** Resolves when all transactions so far have ended, with what follows their commits. */
  settled(): Promise<void> {
    return this.#transactions.settled();
  }

  /** 33 bytes. */
  get identity(): PublicKey {
    return this.#context.identity.publicKey;
  }

  get installationId(): InstallationId {
    return this.#context.installationId;
  }

  /**
   * Our bundle: this device with its signed prekey in use, and its paired devices. Rotates nothing: a transaction that
   * publishes it calls {@link rotatePreKeyIfDue} first.
   */
  async bundle(tx: ReadTransaction): Promise<VerifiedBundle> {
    return this.#ownBundle.get(tx, this.#context, await currentPreKey(tx));
  }

  /** Our bundle as a text to hand to people: `base64(JSON(Bundle))`. */
  async contactCode(tx: ReadTransaction): Promise<string> {
    return encodeContactCode(await this.bundle(tx));
  }

  /** Our signed prekey in use, however old: its public key, 33 bytes, and version. */
  async currentPreKey(
    tx: ReadTransaction,
  ): Promise<{ readonly publicKey: Uint8Array; readonly version: number }> {
    const { publicKey, version } = await currentPreKey(tx);
    return { publicKey, version };
  }

  /**
   * Rotates our signed prekey when it is over its lifetime, or was made at a time that has not come yet. What encrypts here
   * does so by itself; call it before {@link bundle} when you publish that.
   * @returns whether it was rotated
   */
  async rotatePreKeyIfDue(tx: Transaction): Promise<boolean> {
    return this.#publishIf(tx, await rotatePreKeyIfDue(tx, this.#context));
  }

  /** Rotates our signed prekey before its time, unless it is new. @returns whether it was rotated */
  async renewPreKey(tx: Transaction): Promise<boolean> {
    return this.#publishIf(tx, await renewPreKey(tx, this.#context));
  }

  /** Milliseconds until our signed prekey is due to be rotated; 0 when it is. */
  async timeUntilRotation(tx: ReadTransaction): Promise<number> {
    return timeUntilRotation(tx, this.#context);
  }

  /** From now on this is called after each commit that rotated our signed prekey: the bundle has to be published anew. */
  onPreKeyRotated(publish: () => unknown): void {
    this.#onPreKeyRotated = publish;
  }

  /**
   * Takes a bundle that the application got, in a contact code for instance: its identity is no stranger any more. Bundles
   * that come with messages are taken by {@link decrypt}.
   * @throws BUNDLE_SIGNATURE_INVALID, BUNDLE_IMPLAUSIBLE
   */
  async processBundle(tx: Transaction, bundle: Bundle): Promise<BundleNews> {
    const verified = this.#bundles.verify(this.#context, bundle);
    const news = await this.#bundles.apply(tx, this.#context, verified);
    await raiseStanding(tx, this.#context, verified.identity, Standing.STANDING_KNOWN);
    return news;
  }

  /**
   * Encrypts for the active devices of an identity, or of our own for our other devices.
   * @throws NO_DEVICE_REACHED
   */
  async encryptDirect(tx: Transaction, to: PublicKey, payload: Uint8Array): Promise<EncryptedMessage> {
    await this.rotatePreKeyIfDue(tx);
    const { publicKey: preKey } = await currentPreKey(tx);
    const { epoch } = await ownDeviceRecord(tx);
    const outgoing = { bundle: await this.bundle(tx), own: { preKey, epoch } };
    return encryptDirect(tx, this.#context, to, payload, outgoing);
  }

  /** Encrypts to the identity key alone, as the automatic answer to an unknown device has it. */
  async encryptDh(tx: Transaction, to: PublicKey, payload: Uint8Array): Promise<EncryptedMessage> {
    await this.rotatePreKeyIfDue(tx);
    return encryptDh(this.#context, to, payload, await this.bundle(tx));
  }

  /**
   * A message that anybody can read, with our bundle; without a payload the bundle alone. Signed anew each time,
   * so that two equal payloads are two messages.
   */
  async encodePublic(tx: Transaction, payload?: Uint8Array): Promise<Uint8Array> {
    await this.rotatePreKeyIfDue(tx);
    const bundle = await this.#ownBundle.get(tx, this.#context, await currentPreKey(tx), true);
    return encodePublic(this.#context, bundle, payload);
  }

  /**
   * Opens a ProtocolMessage from a sender that the transport vouches for.
   * @throws DUPLICATE_MESSAGE, MESSAGE_TOO_OLD, MALFORMED_MESSAGE, LIMIT_EXCEEDED, BUNDLE_SIGNATURE_INVALID, AUTHENTICATION_FAILED,
   *   INVALID_PUBLIC_KEY and the RATCHET codes
   */
  async decrypt(
    tx: Transaction,
    from: PublicKey,
    message: Uint8Array,
    options?: DecryptOptions,
  ): Promise<DecryptOutcome> {
    return decryptMessage(tx, this.#context, this.#bundles, from, message, options);
  }

  /**
   * Remembers a public message of ours, so that it isn't taken for another device's when it comes back, after a backup was
   * restored for instance.
   */
  async rememberSent(tx: Transaction, message: Uint8Array, channel: string): Promise<void> {
    const messageId = publicMessageIdFor(this.#context.crypto, this.identity, message, channel);
    const signedAt = signedTime(this.identity, decodeProtocolMessage(message));
    await refuseRepeated(tx, this.#context, { messageId, signedAt, sentAt: undefined });
  }

  /** What is known of an identity's devices; of our own, the other ones. */
  async devices(tx: ReadTransaction, identity: PublicKey): Promise<readonly DeviceInfo[]> {
    return (await getPeer(tx, identity)).devices.map(infoOf);
  }

  /** Installation ids that a message to an identity goes to now. */
  async activeInstallations(tx: ReadTransaction, identity: PublicKey): Promise<readonly string[]> {
    const peer = await getPeer(tx, identity);
    return activeDevices(peer, this.#context.limits.maxActiveDevices).map(
      ({ installationId }) => installationId,
    );
  }

  /** Whether another device of our identity is active: one that gets copies of what we send. */
  async hasPairedDevices(tx: ReadTransaction): Promise<boolean> {
    return activeDevices(await getPeer(tx, this.identity), 1).length > 0;
  }

  /**
   * Changes what the user decides about a device: an own device is paired with `enabled`, a name, metadata.
   * @throws NOT_FOUND
   */
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

  /** Gives up the sessions with an identity's devices, or with one: the next message begins anew. */
  async resetSessions(tx: Transaction, identity: PublicKey, installationId?: string): Promise<void> {
    const peer = await getPeer(tx, identity);
    const devices = peer.devices.map((device) =>
      installationId === undefined || device.installationId === installationId
        ? withoutSessions(device)
        : device,
    );
    putPeer(tx, identity, { ...peer, devices });
  }

  /** The secret behind the topic negotiated with an identity, 32 bytes. */
  negotiatedSecret(identity: PublicKey): Uint8Array {
    return this.#context.negotiated.get(identity);
  }

  /**
   * Deletes private prekeys whose grace is over and forgets messages that can't come any more, neither of them until our
   * clock has been right for a day, as far as that can be told. Then deletes message keys that are too old and idle
   * sessions, some in each transaction: call it again with what it gives, until that is `undefined`.
   * @param time milliseconds since the epoch: keys and sessions that were too old then are deleted. Default: now, by our
   *   clock. See {@link certainTime}
   */
  async deleteExpired(
    tx: Transaction,
    from?: SweepPosition,
    time = this.#context.clock.now(),
  ): Promise<SweepPosition> {
    if (from === undefined) await deleteExpired(tx, this.#context);
    return sweep(tx, this.#context, time, from);
  }

  /**
   * A time that has certainly come, a day old at least, in milliseconds since the epoch; `undefined` while our clock has not
   * been right for a day, as far as that can be told.
   */
  async certainTime(tx: Transaction): Promise<number | undefined> {
    return certainTime(tx, this.#context);
  }

  /** What to do about a message of an authentic sender that {@link decrypt} refused. */
  async remedyFor(tx: ReadTransaction, from: PublicKey, message: Uint8Array): Promise<Remedy> {
    return remedyFor(tx, this.#context, from, decodeProtocolMessage(message));
  }

  /**
   * Counts a 1:1 message for the application, see {@link MessageRequest}.
   * @throws LIMIT_EXCEEDED
   */
  async countRequest(
    tx: Transaction,
    identity: PublicKey,
    bytes: number,
  ): Promise<{ readonly isNew: boolean }> {
    return countRequest(tx, this.#context, identity, bytes);
  }

  /** Those who wrote to us and whom the user hasn't accepted yet, oldest first. */
  async requests(tx: ReadTransaction): Promise<readonly MessageRequest[]> {
    return listRequests(tx, this.#context);
  }

  /** Whether the user has let an identity in; our own always is. */
  async isAccepted(tx: ReadTransaction, identity: PublicKey): Promise<boolean> {
    return isAccepted(this.#context, identity, await getPeer(tx, identity));
  }

  /** Whether we know an identity by more than what it sent of itself: the user has let it in, or we wrote to it. */
  async isKnown(tx: ReadTransaction, identity: PublicKey): Promise<boolean> {
    return isLetIn(await getPeer(tx, identity));
  }

  /** Notes that we sent a stranger our bundle, so that we subscribe to the topic negotiated with it. */
  async noteAnswered(tx: Transaction, identity: PublicKey): Promise<void> {
    await noteWrote(tx, this.#context, identity, { answered: true });
  }

  /** Counts an answer to a stranger. @returns whether strangers may be given one more, of so many in an hour */
  async countAnswer(tx: Transaction, most: number): Promise<boolean> {
    return countAnswer(tx, this.#context, most);
  }

  /** Strangers to whose negotiated topic we subscribe. */
  async answeredStrangers(tx: ReadTransaction): Promise<readonly PublicKey[]> {
    const { wrote } = await getStrangers(tx);
    return wrote.filter(({ answered }) => answered).map(({ identity }) => identity as PublicKey);
  }

  /** Forgets a stranger with all that is kept of it. Does nothing for those whom the user has let in. */
  async forgetStranger(tx: Transaction, identity: PublicKey): Promise<void> {
    await forgetStranger(tx, identity);
    if (!isLetIn(await getPeer(tx, identity))) await deletePeer(tx, identity);
  }

  /** The user lets an identity in: what is kept of it is no longer forgotten for others. */
  async accept(tx: Transaction, identity: PublicKey): Promise<void> {
    await raiseStanding(tx, this.#context, identity, Standing.STANDING_ACCEPTED);
  }

  /** Waits for what is in progress and closes the store. */
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
  const { installationId, enabled, version, protocolVersion, timestamp, name, metadata } = device;
  return {
    installationId,
    enabled,
    preKeyVersion: version,
    protocolVersion,
    lastActiveAt: Number(timestamp / 1_000_000n),
    name,
    metadata: new Map(metadata),
  };
}
