import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { decodeUtf8, encodeUtf8, type Store } from '@sotto/core';
import { pairDevice } from '@sotto/device-linking';
import type { DeviceInfo, Messenger } from '@sotto/messenger';

/** Record of the account: identifiers of the devices that the user has unpaired. */
const UNPAIRED = 'app/chat-web/unpaired';
/** So many are remembered: more than anyone unpairs. The first ones are forgotten beyond it, and appear as waiting again. */
const UNPAIRED_MAX = 100;

/** The other devices of the user. */
export interface OwnDevices {
  /** They get what we write. */
  readonly paired: ReadonlySignal<readonly DeviceInfo[]>;
  /** They have opened the account, and the user has not said anything about them yet. */
  readonly waiting: ReadonlySignal<readonly DeviceInfo[]>;
  /** The user has unpaired them, and they are still there. */
  readonly unpaired: ReadonlySignal<readonly DeviceInfo[]>;
  /** Reads again what is known of them. */
  refresh(): Promise<void>;
  pair(installationId: string): Promise<void>;
  unpair(installationId: string): Promise<void>;
  /** Pairs a device that the user has linked, as soon as it is heard of; until then it isn't one that waits for an answer. */
  pairLinked(installationId: string, name: string | undefined): Promise<void>;
}

/** Remembers what the user has decided about their devices: the messenger forgets one that is unlinked until it writes again. */
export async function openOwnDevices(messenger: Messenger, store: Store): Promise<OwnDevices> {
  const { devices, installationId: own } = messenger;
  const record = await store.get(UNPAIRED);
  const decided = signal<readonly string[]>(record ? JSON.parse(decodeUtf8(record.value)) : []);
  const all = signal<readonly DeviceInfo[]>([]);
  const linked = signal<readonly string[]>([]);
  const isLinked = ({ installationId }: DeviceInfo) => linked.value.includes(installationId);
  const isUnpaired = ({ installationId }: DeviceInfo) => decided.value.includes(installationId);
  const decide = async (next: readonly string[]) => {
    await store.commit([{ type: 'put', key: UNPAIRED, value: encodeUtf8(JSON.stringify(next)) }]);
    decided.value = next;
  };
  const refresh = async () => {
    all.value = (await devices.list()).filter(({ installationId }) => installationId !== own);
  };
  await refresh();
  return {
    paired: computed(() => all.value.filter(({ enabled }) => enabled)),
    waiting: computed(() =>
      all.value.filter((device) => !device.enabled && !isUnpaired(device) && !isLinked(device)),
    ),
    unpaired: computed(() => all.value.filter((device) => !device.enabled && isUnpaired(device))),
    refresh,
    async pair(installationId) {
      await devices.enable(installationId);
      await decide(decided.value.filter((one) => one !== installationId));
      // So that it sees us as well.
      await devices.announce();
      await refresh();
    },
    async unpair(installationId) {
      const others = decided.value.filter((one) => one !== installationId);
      await decide([...others, installationId].slice(-UNPAIRED_MAX));
      await devices.unlink(installationId);
      await refresh();
    },
    async pairLinked(installationId, name) {
      linked.value = [...linked.value, installationId];
      try {
        await pairDevice(messenger, installationId, { name });
        await refresh();
      } finally {
        linked.value = linked.value.filter((one) => one !== installationId);
      }
    },
  };
}
