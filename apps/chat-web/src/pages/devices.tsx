import type { DeviceInfo } from '@sotto/messenger';
import { useEffect, useState } from 'preact/hooks';
import { ConfirmButton } from '../components/confirm-button.js';
import { Explained } from '../components/explained.js';
import { Field } from '../components/field.js';
import { LinkDevice } from '../components/link-device.js';
import { Page } from '../components/page.js';
import { Time } from '../components/time.js';
import { timeOf } from '../format.js';
import { useSession } from '../session-context.js';
import { type Task, useTask } from '../use-task.js';

/** Our devices: which get copies of what we write, and how to add one. */
export function Devices() {
  const { messenger, ownDevices, refreshDevices } = useSession();
  const task = useTask();
  useEffect(() => void refreshDevices(), []);
  const waiting = ownDevices.value.filter(({ enabled }) => !enabled);
  const paired = ownDevices.value.filter(({ enabled }) => enabled);
  return (
    <Page title="Devices">
      <p>
        This device is <code class="device-code">{messenger.installationId.slice(0, 8)}</code>.
      </p>
      {waiting.length > 0 && (
        <section aria-labelledby="waiting">
          <h2 id="waiting">Waiting to be paired</h2>
          <p class="hint">
            Pair only what you hold in your hands: the code here has to be the one that its own page of
            devices shows.
          </p>
          <ul class="lines">
            {waiting.map((device) => (
              <Device key={device.installationId} device={device} task={task} />
            ))}
          </ul>
        </section>
      )}
      <section aria-labelledby="paired">
        <h2 id="paired">Paired</h2>
        {paired.length === 0 && <p class="hint">None. What you write is only on this device.</p>}
        <ul class="lines">
          {paired.map((device) => (
            <Device key={device.installationId} device={device} task={task} />
          ))}
        </ul>
      </section>
      <LinkDevice />
      <section aria-labelledby="another">
        <h2 id="another">Without a code</h2>
        <ol>
          <li>Open this page there, and recover your account from its words.</li>
          <li>It appears here, and this one there. Compare the codes, and pair on both.</li>
          <li>
            From then on each gets what the other sends. Older messages stay where they are; a backup moves
            them.
          </li>
        </ol>
        <button
          type="button"
          disabled={task.busy}
          onClick={() => void task.run(() => messenger.devices.announce())}
        >
          Announce this device to my other devices
        </button>
      </section>
      <Explained error={task.error} />
    </Page>
  );
}

function Device({ device, task }: { readonly device: DeviceInfo; readonly task: Task }) {
  const { messenger, refreshDevices } = useSession();
  const { installationId, enabled, lastActiveAt } = device;
  const [name, setName] = useState(device.name);
  const change = (work: () => Promise<unknown>) =>
    void task.run(async () => {
      await work();
      await refreshDevices();
    });
  return (
    <li class="device">
      <p>
        <code class="device-code">{installationId.slice(0, 8)}</code> <bdi>{device.name}</bdi>
        {lastActiveAt > 0 && (
          <span class="hint">
            {' '}
            last active <Time at={lastActiveAt} as={timeOf} />
          </span>
        )}
      </p>
      {enabled ? (
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            change(() => messenger.devices.describe(installationId, { name: name.trim() }));
          }}
        >
          <Field label="Name of this device" value={name} onValue={setName} />
          <button type="submit" disabled={task.busy || name.trim() === device.name}>
            Rename
          </button>
          <ConfirmButton
            label="Unpair"
            question="It no longer gets copies. People who know it keep writing to it until you use three others."
            busy={task.busy}
            onConfirm={() => change(() => messenger.devices.disable(installationId))}
          />
        </form>
      ) : (
        <button
          type="button"
          class="primary"
          disabled={task.busy}
          onClick={() =>
            change(async () => {
              await messenger.devices.enable(installationId);
              // So that it sees us as well.
              await messenger.devices.announce();
            })
          }
        >
          Pair
        </button>
      )}
    </li>
  );
}
