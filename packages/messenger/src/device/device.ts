import {
  type Clock,
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
import { type Bundle, decodeProtocolMessage, encodeContactCode } from '@sotto/protocol-codec';
import type { VerifiedBundle } from '@sotto/x3dh';
import { checkDeviceOptions } from '../arguments.js';
import { type PeerDevice, Standing } from '../generated/sotto/messenger/v1/storage.js';
import { Ledger, type UnitOfWork } from '../storage/ledger.js';
import { deviceTable } from '../storage/tables.js';
import type { DeviceContext } from './context.js';
import { type DecryptOptions, type DecryptOutcome, decryptMessage } from './decryption.js';
import { type EncryptedMessage, encodePublic, encryptDh, encryptDirect } from './encryption.js';
import { deleteExpired, type SweepPosition, sweep } from './expiry.js';
import { DEFAULT_DEVICE_LIMITS, type DeviceLimits } from './limits.js';
import { publicMessageIdFor, signedTime } from './messages.js';
import { NegotiatedSecrets } from './negotiated-secrets.js';
import { OwnBundle } from './own-bundle.js';
import { certainTime, storedNow } from './own-clock.js';
import { currentPreKey, ownDeviceRecord, putNewPreKey, renewEpoch, replaceIfOlder } from './own-pre-keys.js';
import {
  activeDevices,
  type BundleNews,
  deletePeer,
  findDevice,
  getPeer,
  putPeer,
  RecentBundles,
  withDevice,
  withoutSessions,
} from './peers.js';
import { type Remedy, remedyFor } from './remedy.js';
import { countRequest, isAccepted, listRequests, type MessageRequest } from './requests.js';
import { refuseRepeated } from './seen-messages.js';
import { countAnswer, forgetStranger, getStrangers, isLetIn, noteWrote, raiseStanding } from './strangers.js';

/** What {@link openDevice} needs. */
export interface DeviceOptions {
  /** The identity; the store remembers its public key and opens for no other. */
  readonly identity: KeyPair;
  /** Ours until `close`. */
  readonly store: Store;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  /** Name of this device; drawn at random for a new store, and remembered by it. */
  readonly installationId?: string;
  readonly limits?: Partial<DeviceLimits>;
  /**
   * The store is an old copy that was put back, as the adapters' `continuity` tells. Its ratchets may have gone on
   * since: nothing more is sent on them, every conversation begins a new session, and a new prekey is published.
   * Default: whether the store itself says so.
   */
  readonly restored?: boolean;
}

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
  const ledger = new Ledger(store, crypto);
  const installationId = await ledger.run(async (work) => {
    const known = await work.get(deviceTable);
    if (known !== undefined) {
      if (compareBytes(known.identity, identity.publicKey) !== 0) throw notOurs('identity');
      if (wanted !== undefined && wanted !== known.installationId) throw notOurs('installation id');
      if (options.restored ?? continuityOf(store) === 'rolled-back')
        await renewEpoch(work, { crypto, clock }, known);
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
    putNewPreKey(work, { crypto, clock }, device, 0);
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
  await ledger.run((work) => deleteExpired(work, context));
  return new Device(store, ledger, context);
}

/** What a store knows of its own past, as the adapters of `@sotto/store-adapters` do by an anchor outside of it. */
export function continuityOf(store: Store): unknown {
  return 'continuity' in store ? store.continuity : undefined;
}

function notOurs(what: string): SottoError {
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
 * Each method works within a step of the {@link Ledger}: `device.ledger.run((work) => device.encryptDirect(work, ...))`.
 * What the step did is stored when `run` resolves, all of it or nothing; hand out its result only then.
 */
export class Device {
  readonly ledger: Ledger;
  readonly #store: Store;
  readonly #context: DeviceContext;
  readonly #ownBundle = new OwnBundle();
  readonly #bundles = new RecentBundles();

  /** @internal Made by {@link openDevice}. */
  constructor(store: Store, ledger: Ledger, context: DeviceContext) {
    this.#store = store;
    this.ledger = ledger;
    this.#context = context;
  }

  /** 33 bytes. */
  get identity(): PublicKey {
    return this.#context.identity.publicKey;
  }

  get installationId(): InstallationId {
    return this.#context.installationId;
  }

  /** Our current bundle; rotates the signed prekey first when it is due. */
  async bundle(work: UnitOfWork, options: { readonly fresh?: boolean } = {}): Promise<VerifiedBundle> {
    const preKey = await currentPreKey(work, this.#context);
    return this.#ownBundle.get(work, this.#context, preKey, options.fresh);
  }

  /** Our bundle as a text to hand to people: `base64(JSON(Bundle))`. */
  async contactCode(work: UnitOfWork): Promise<string> {
    return encodeContactCode(await this.bundle(work));
  }

  /** Our signed prekey in use: its public key and version. Rotates it first when that is due. */
  async currentPreKey(
    work: UnitOfWork,
  ): Promise<{ readonly publicKey: Uint8Array; readonly version: number }> {
    const { publicKey, version } = await currentPreKey(work, this.#context);
    return { publicKey, version };
  }

  /**
   * Takes a bundle that the application got, in a contact code for instance: its identity is no stranger any more. Bundles
   * that come with messages are taken by {@link decrypt}.
   * @throws BUNDLE_SIGNATURE_INVALID, BUNDLE_IMPLAUSIBLE
   */
  async processBundle(work: UnitOfWork, bundle: Bundle): Promise<BundleNews> {
    const verified = this.#bundles.verify(this.#context, bundle);
    const news = await this.#bundles.apply(work, this.#context, verified);
    await raiseStanding(work, this.#context, verified.identity, Standing.STANDING_KNOWN);
    return news;
  }

  /**
   * Encrypts for the active devices of an identity, or of our own for our other devices.
   * @throws NO_DEVICE_REACHED
   */
  async encryptDirect(work: UnitOfWork, to: PublicKey, payload: Uint8Array): Promise<EncryptedMessage> {
    const outgoing = await this.#outgoing(work);
    return encryptDirect(work, this.#context, to, payload, outgoing);
  }

  /** Encrypts to the identity key alone, as the automatic answer to an unknown device has it. */
  async encryptDh(work: UnitOfWork, to: PublicKey, payload: Uint8Array): Promise<EncryptedMessage> {
    return encryptDh(this.#context, to, payload, (await this.#outgoing(work)).bundle);
  }

  /**
   * A message that anybody can read, with our bundle; without a payload the bundle alone. Signed anew each time,
   * so that two equal payloads are two messages.
   */
  async encodePublic(work: UnitOfWork, payload?: Uint8Array): Promise<Uint8Array> {
    return encodePublic(this.#context, await this.bundle(work, { fresh: true }), payload);
  }

  /**
   * Opens a ProtocolMessage from a sender that the transport vouches for.
   * @throws DUPLICATE_MESSAGE, MESSAGE_TOO_OLD, MALFORMED_MESSAGE, LIMIT_EXCEEDED, BUNDLE_SIGNATURE_INVALID, AUTHENTICATION_FAILED,
   *   INVALID_PUBLIC_KEY and the RATCHET codes
   */
  async decrypt(
    work: UnitOfWork,
    from: PublicKey,
    message: Uint8Array,
    options?: DecryptOptions,
  ): Promise<DecryptOutcome> {
    return decryptMessage(work, this.#context, this.#bundles, from, message, options);
  }

  /**
   * Remembers a public message of ours, so that it isn't taken for another device's when it comes back, after a backup was
   * restored for instance.
   */
  async rememberSent(work: UnitOfWork, message: Uint8Array, channel: string): Promise<void> {
    const messageId = publicMessageIdFor(this.#context.crypto, this.identity, message, channel);
    const signedAt = signedTime(this.identity, decodeProtocolMessage(message));
    await refuseRepeated(work, this.#context, { messageId, signedAt, sentAt: undefined });
  }

  /** What is known of an identity's devices; of our own, the other ones. */
  async devices(work: UnitOfWork, identity: PublicKey): Promise<readonly DeviceInfo[]> {
    return (await getPeer(work, identity)).devices.map(infoOf);
  }

  /** Installation ids that a message to an identity goes to now. */
  async activeInstallations(work: UnitOfWork, identity: PublicKey): Promise<readonly string[]> {
    const peer = await getPeer(work, identity);
    return activeDevices(peer, this.#context.limits.maxActiveDevices).map(
      ({ installationId }) => installationId,
    );
  }

  /** Whether another device of our identity is active: one that gets copies of what we send. */
  async hasPairedDevices(work: UnitOfWork): Promise<boolean> {
    return activeDevices(await getPeer(work, this.identity), 1).length > 0;
  }

  /**
   * Changes what the user decides about a device: an own device is paired with `enabled`, a name, metadata.
   * @throws NOT_FOUND
   */
  async updateDevice(
    work: UnitOfWork,
    identity: PublicKey,
    installationId: string,
    change: Partial<Pick<DeviceInfo, 'enabled' | 'name' | 'metadata'>>,
  ): Promise<void> {
    const peer = await getPeer(work, identity);
    const device = findDevice(peer, installationId);
    if (device === undefined) {
      throw new SottoError('NOT_FOUND', 'No such device is known. It has to send something first.', {
        what: 'device',
        id: installationId,
      });
    }
    putPeer(
      work,
      identity,
      withDevice(peer, {
        ...device,
        ...change,
        metadata: change.metadata ? new Map(change.metadata) : device.metadata,
      }),
    );
  }

  /** Gives up the sessions with an identity's devices, or with one: the next message begins anew. */
  async resetSessions(work: UnitOfWork, identity: PublicKey, installationId?: string): Promise<void> {
    const peer = await getPeer(work, identity);
    const devices = peer.devices.map((device) =>
      installationId === undefined || device.installationId === installationId
        ? withoutSessions(device)
        : device,
    );
    putPeer(work, identity, { ...peer, devices });
  }

  /** The secret behind the topic negotiated with an identity, 32 bytes. */
  negotiatedSecret(identity: PublicKey): Uint8Array {
    return this.#context.negotiated.get(identity);
  }

  /**
   * Deletes private prekeys whose grace is over and forgets messages that can't come any more, neither of them until our
   * clock has been right for a day, as far as that can be told. Then deletes message keys that are too old and idle
   * sessions, some in each step: call it again with what it gives, until that is `undefined`.
   * @param time milliseconds since the epoch: keys and sessions that were too old then are deleted. Default: now, by our
   *   clock. See {@link certainTime}
   */
  async deleteExpired(
    work: UnitOfWork,
    from?: SweepPosition,
    time = this.#context.clock.now(),
  ): Promise<SweepPosition> {
    if (from === undefined) await deleteExpired(work, this.#context);
    return sweep(work, this.#context, time, from);
  }

  /**
   * A time that has certainly come, a day old at least, in milliseconds since the epoch; `undefined` while our clock has not
   * been right for a day, as far as that can be told.
   */
  async certainTime(work: UnitOfWork): Promise<number | undefined> {
    return certainTime(work, this.#context);
  }

  /** What to do about a message of an authentic sender that {@link decrypt} refused. */
  async remedyFor(work: UnitOfWork, from: PublicKey, message: Uint8Array): Promise<Remedy> {
    return remedyFor(work, this.#context, from, decodeProtocolMessage(message));
  }

  /** Replaces our signed prekey, unless it is new. */
  async renewPreKey(work: UnitOfWork): Promise<void> {
    await replaceIfOlder(work, this.#context, this.#context.limits.renewPreKeyAfterMs);
  }

  /**
   * Counts a 1:1 message for the application, see {@link MessageRequest}.
   * @throws LIMIT_EXCEEDED
   */
  async countRequest(
    work: UnitOfWork,
    identity: PublicKey,
    bytes: number,
  ): Promise<{ readonly isNew: boolean }> {
    return countRequest(work, this.#context, identity, bytes);
  }

  /** Those who wrote to us and whom the user hasn't accepted yet, oldest first. */
  async requests(work: UnitOfWork): Promise<readonly MessageRequest[]> {
    return listRequests(work, this.#context);
  }

  /** Whether the user has let an identity in; our own always is. */
  async isAccepted(work: UnitOfWork, identity: PublicKey): Promise<boolean> {
    return isAccepted(this.#context, identity, await getPeer(work, identity));
  }

  /** Whether we know an identity by more than what it sent of itself: the user has let it in, or we wrote to it. */
  async isKnown(work: UnitOfWork, identity: PublicKey): Promise<boolean> {
    return isLetIn(await getPeer(work, identity));
  }

  /** Notes that we told a stranger our bundle, so that we listen to the topic negotiated with it. */
  async noteAnswered(work: UnitOfWork, identity: PublicKey): Promise<void> {
    await noteWrote(work, this.#context, identity, { answered: true });
  }

  /** Counts an answer to a stranger. @returns whether strangers may be given one more, of so many in an hour */
  async countAnswer(work: UnitOfWork, most: number): Promise<boolean> {
    return countAnswer(work, this.#context, most);
  }

  /** Strangers whose negotiated topic we listen to. */
  async answeredStrangers(work: UnitOfWork): Promise<readonly PublicKey[]> {
    const { wrote } = await getStrangers(work);
    return wrote.filter(({ answered }) => answered).map(({ identity }) => identity as PublicKey);
  }

  /** Forgets a stranger with all that is kept of it. Does nothing for those whom the user has let in. */
  async forgetStranger(work: UnitOfWork, identity: PublicKey): Promise<void> {
    await forgetStranger(work, identity);
    if (!isLetIn(await getPeer(work, identity))) await deletePeer(work, identity);
  }

  /** The user lets an identity in: what is kept of it is no longer forgotten for others. */
  async accept(work: UnitOfWork, identity: PublicKey): Promise<void> {
    await raiseStanding(work, this.#context, identity, Standing.STANDING_ACCEPTED);
  }

  /** Waits for steps under way and closes the store. */
  async close(): Promise<void> {
    await this.ledger.idle();
    await this.#store.close();
  }

  async #outgoing(work: UnitOfWork) {
    const preKey = await currentPreKey(work, this.#context);
    const { epoch } = await ownDeviceRecord(work);
    return {
      bundle: await this.#ownBundle.get(work, this.#context, preKey),
      own: { preKey: preKey.publicKey, epoch },
    };
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
