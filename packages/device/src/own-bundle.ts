import { encodeHex } from '@sotto/core';
import type { Bundle, SignedPreKey } from '@sotto/protocol-codec';
import { bundleTimestamp, signBundle, type VerifiedBundle } from '@sotto/x3dh';
import type { DeviceContext } from './context.js';
import { activeDevices, getPeer } from './peers.js';
import { ownEntry } from './pre-keys.js';
import type { PeerDevice, PreKeyRecord } from './storage/records.js';
import type { ReadTransaction } from './storage/transaction.js';
import { offerOf } from './stored-offer.js';

/** Signs our bundle, and reuses the last one while its content is unchanged and it is fresh. */
export class OwnBundle {
  #last: { readonly bundle: VerifiedBundle; readonly content: string; readonly signedAt: number } | undefined;
  #newest = 0n;

  /**
   * The current bundle: this device and its paired devices, three at most. Wire profile, section 2.
   * @param fresh sign again whatever the age of the last one
   */
  async get(
    tx: ReadTransaction,
    context: DeviceContext,
    preKey: PreKeyRecord,
    fresh = false,
  ): Promise<VerifiedBundle> {
    const { clock, limits } = context;
    const signedPreKeys = await ownDevices(tx, context, preKey);
    const now = clock.now();
    const content = contentOf(signedPreKeys);
    const last = this.#last;
    // When the clock was set back, the last one is of the future.
    const isRecent =
      last !== undefined && now >= last.signedAt && now - last.signedAt < limits.bundleRefreshMs;
    if (!fresh && isRecent && last.content === content) return last.bundle;
    const bundle = this.#sign(context, signedPreKeys, now);
    this.#last = { bundle, content, signedAt: now };
    return bundle;
  }

  /**
   * Our bundle with further devices of our identity, by installation id, as far as there is room. Signed anew.
   * @param after a timestamp; that of the bundle is higher
   */
  async getWith(
    tx: ReadTransaction,
    context: DeviceContext,
    preKey: PreKeyRecord,
    others: ReadonlyMap<string, SignedPreKey>,
    after: bigint,
  ): Promise<VerifiedBundle> {
    const signedPreKeys = await ownDevices(tx, context, preKey);
    for (const [installationId, signedPreKey] of others) {
      if (signedPreKeys.size >= context.limits.maxActiveDevices) break;
      if (!signedPreKeys.has(installationId)) signedPreKeys.set(installationId, signedPreKey);
    }
    return this.#sign(context, signedPreKeys, context.clock.now(), after);
  }

  #sign(
    { crypto, identity }: DeviceContext,
    signedPreKeys: ReadonlyMap<string, SignedPreKey>,
    now: number,
    after = 0n,
  ): VerifiedBundle {
    // No two bundles have the same timestamp, so that peers can tell which is newer.
    const wanted = bundleTimestamp(now);
    this.#newest = wanted > this.#newest || wanted < this.#newest - 1_000_000n ? wanted : this.#newest + 1n;
    if (this.#newest <= after) this.#newest = after + 1n;
    return signBundle(crypto, identity, { signedPreKeys, timestamp: this.#newest });
  }
}

/** This device and its paired devices, three at most. */
async function ownDevices(
  tx: ReadTransaction,
  context: DeviceContext,
  preKey: PreKeyRecord,
): Promise<Map<string, SignedPreKey>> {
  const { limits, identity, installationId } = context;
  const paired = activeDevices(await getPeer(tx, identity.publicKey), limits.maxActiveDevices - 1).filter(
    (device) => device.signedPreKey.length > 0,
  );
  return new Map<string, SignedPreKey>([
    [installationId, ownEntry(preKey, context)],
    ...paired.map((device): [string, SignedPreKey] => [device.installationId, listed(device)]),
  ]);
}

/** What our bundle says of another device of ours: what that device said of itself. */
function listed({ signedPreKey, version, protocolVersion, hybrid }: PeerDevice): SignedPreKey {
  return {
    signedPreKey,
    version,
    protocolVersion,
    ...(hybrid && { hybrid: offerOf(hybrid) }),
  };
}

function contentOf(signedPreKeys: Bundle['signedPreKeys']): string {
  return JSON.stringify(
    [...signedPreKeys].map(([id, { signedPreKey, hybrid, ...versions }]) => [
      id,
      encodeHex(signedPreKey),
      versions,
      hybrid && encodeHex(hybrid.kemPreKeyHash),
      hybrid?.kemPreKey?.length,
    ]),
  );
}
