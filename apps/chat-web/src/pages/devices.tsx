import type { DeviceInfo } from '@sotto/messenger';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ConfirmButton } from '../components/confirm-button.js';
import { Explained } from '../components/explained.js';
import { Field } from '../components/field.js';
import { Icon } from '../components/icon.js';
import { LinkDevice } from '../components/link-device.js';
import { Page } from '../components/page.js';
import { Time } from '../components/time.js';
import { timeOf } from '../format.js';
import { nameOfBrowser } from '../linking.js';
import { useSession } from '../session-context.js';
import { type Task, useTask } from '../use-task.js';

/** Our devices: which get copies of what we write, and how to add one. */
export function Devices() {
  const { messenger, ownDevices } = useSession();
  const task = useTask();
  useEffect(() => void ownDevices.refresh(), []);
  const [waiting, paired, unpaired] = [
    ownDevices.waiting.value,
    ownDevices.paired.value,
    ownDevices.unpaired.value,
  ];
  return (
    <Page title="Devices">
      <section aria-labelledby="this-device">
        <h2 id="this-device">This device</h2>
        <p class="device-name">
          <Icon name="device" />
          <span>
            <strong>{nameOfBrowser()}</strong>
            <span class="hint">
              Device id <code>{shortIdOf(messenger.installationId)}</code>
            </span>
          </span>
        </p>
      </section>
      {waiting.length > 0 && (
        <section aria-labelledby="waiting">
          <h2 id="waiting">Waiting to be paired</h2>
          <p class="hint">
            Pair only what you hold in your hands: the device id here has to be the one that its own page of
            devices shows.
          </p>
          <ul class="lines">
            {waiting.map((device) => (
              <Device key={device.installationId} device={device} task={task}>
                <button
                  type="button"
                  class="primary"
                  disabled={task.busy}
                  onClick={() => void task.run(() => ownDevices.pair(device.installationId))}
                >
                  Pair
                </button>
              </Device>
            ))}
          </ul>
        </section>
      )}
      <section aria-labelledby="paired">
        <h2 id="paired">Paired with it</h2>
        <p class="hint">
          {paired.length === 0
            ? 'None. What you write is only on this device.'
            : 'Each gets what the others send, and what people write to you; they agree on contacts, names, blocks, drafts and what was read. To be rid of one that you hold in your hands, delete the account on it.'}
        </p>
        <ul class="lines">
          {paired.map((device) => (
            <Device key={device.installationId} device={device} task={task} />
          ))}
        </ul>
      </section>
      <LinkDevice />
      <details class="sheet">
        <summary>Pair without a code</summary>
        <ol>
          <li>Open this page there, and recover your account from its words.</li>
          <li>It appears here, and this one there. Compare the device ids, and pair on both.</li>
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
      </details>
      {unpaired.length > 0 && (
        <section aria-labelledby="unpaired">
          <h2 id="unpaired">Unpaired</h2>
          <p class="hint">
            You unpaired these. They still have your account, and get nothing from this device.
          </p>
          <ul class="lines">
            {unpaired.map((device) => (
              <Device key={device.installationId} device={device} task={task}>
                <button
                  type="button"
                  class="link"
                  disabled={task.busy}
                  onClick={() => void task.run(() => ownDevices.pair(device.installationId))}
                >
                  Pair again
                </button>
              </Device>
            ))}
          </ul>
        </section>
      )}
      <Explained error={task.error} />
    </Page>
  );
}

interface DeviceProps {
  readonly device: DeviceInfo;
  readonly task: Task;
  /** Beside its name: what can be done with one that isn't paired. */
  readonly children?: ComponentChildren;
}

function Device({ device, task, children }: DeviceProps) {
  const { messenger, ownDevices } = useSession();
  const { installationId, enabled, lastActiveAt } = device;
  const [name, setName] = useState(device.name);
  const rename = async () => {
    await messenger.devices.describe(installationId, { name: name.trim() });
    await ownDevices.refresh();
  };
  const known = device.name === '' ? 'A device of yours' : device.name;
  return (
    <li class="device">
      <div class="device-name">
        <Icon name="device" />
        <span>
          <strong>
            <bdi>{known}</bdi>
          </strong>
          <span class="hint">
            Device id <code>{shortIdOf(installationId)}</code>
            {lastActiveAt > 0 && (
              <>
                {' · last active '}
                <Time at={lastActiveAt} as={timeOf} />
              </>
            )}
          </span>
        </span>
        {children}
      </div>
      {enabled && (
        <div class="row">
          <details class="rename">
            <summary>Rename</summary>
            <form
              class="row"
              onSubmit={(event) => {
                event.preventDefault();
                void task.run(rename);
              }}
            >
              <Field
                label="Name of this device"
                hint="Only this device shows it."
                value={name}
                onValue={setName}
              />
              <button type="submit" disabled={task.busy || name.trim() === device.name}>
                Save
              </button>
            </form>
          </details>
          <ConfirmButton
            label="Unpair"
            question="What you write no longer goes there, and your card no longer names it. It keeps what it has, and can still write in your name. People who know it go on writing to it as well, until you have written from three other devices: nothing can tell them. If it was stolen or lost, create a new account, and tell your contacts by another way."
            busy={task.busy}
            onConfirm={() => void task.run(() => ownDevices.unpair(installationId))}
          />
        </div>
      )}
    </li>
  );
}

/** The beginning of a device's identifier: enough to compare with what the device itself shows. */
function shortIdOf(installationId: string): string {
  return installationId.slice(0, 8);
}
