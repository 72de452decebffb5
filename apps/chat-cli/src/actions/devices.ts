import type { DeviceInfo } from '@sotto/messenger';
import { CliError } from '../cli-error.js';
import { findPerson, nameOf, plain } from '../names.js';
import type { Session } from '../session.js';
import { type Action, CURRENT } from './action.js';

const devices: Action = {
  name: 'devices',
  about: 'the devices of your account',
  parameters: [],
  async run({ messenger }) {
    const others = await otherDevices(messenger);
    const lines = others.map(
      ({ installationId, name, enabled }) =>
        `${installationId}  ${enabled ? 'paired' : 'NOT PAIRED'}${name === '' ? '' : `  ${plain(name)}`}`,
    );
    return {
      value: { thisDevice: messenger.installationId, others: others.map(deviceJson) },
      said: [
        `${messenger.installationId}  this one`,
        ...lines,
        ...(others.length === 0
          ? ['', 'No other is known. Recover the account there from its words, or write /announce there.']
          : []),
        ...(others.some(({ enabled }) => !enabled)
          ? ['', 'If it is yours: /pair and the beginning of its id.']
          : []),
      ],
    };
  },
};

const pair: Action = {
  name: 'pair',
  about: 'shares what you send and get with a device of yours: /pair ID NAME, on both of them',
  parameters: [
    { name: 'device', kind: 'word' },
    { name: 'name', kind: 'rest', optional: true },
  ],
  async run({ messenger }, given) {
    const { installationId } = await findDevice(messenger, given.text('device'));
    await messenger.devices.enable(installationId);
    const name = given.optional('name');
    if (name !== undefined) await messenger.devices.describe(installationId, { name });
    // So that it sees us as well.
    await messenger.devices.announce();
    return { value: { device: installationId }, said: ['Paired. Do the same on the other device.'] };
  },
};

const unpair: Action = {
  name: 'unpair',
  about: 'ends that; people who know the device go on writing to it until you use three others',
  parameters: [{ name: 'device', kind: 'word' }],
  async run({ messenger }, given) {
    const { installationId } = await findDevice(messenger, given.text('device'));
    await messenger.devices.disable(installationId);
    return { value: { device: installationId }, said: ['No longer paired.'] };
  },
};

const announce: Action = {
  name: 'announce',
  about: 'tells your other devices that this one is there',
  parameters: [],
  async run({ messenger }) {
    await messenger.devices.announce();
    return {
      value: { thisDevice: messenger.installationId },
      said: ['Told. Your other devices ask for pairing.'],
    };
  },
};

const reset: Action = {
  name: 'reset',
  about: 'begins a new session with this person, when messages cannot be read',
  parameters: [CURRENT],
  async run(session, given) {
    const person = findPerson(session, given.text('conversation'));
    await session.messenger.devices.resetSession(person);
    return { value: {}, said: [`The next message to ${nameOf(session, person)} begins a new session.`] };
  },
};

async function otherDevices(messenger: Session['messenger']): Promise<readonly DeviceInfo[]> {
  return (await messenger.devices.list()).filter(
    ({ installationId }) => installationId !== messenger.installationId,
  );
}

/** A device by its id or the beginning of it. @throws CliError */
async function findDevice(messenger: Session['messenger'], text: string): Promise<DeviceInfo> {
  const found = (await otherDevices(messenger)).filter(({ installationId }) =>
    installationId.startsWith(text),
  );
  if (found.length > 1)
    throw new CliError('AMBIGUOUS_NAME', 'Several devices begin like this. Give more of the id.');
  if (found[0] === undefined)
    throw new CliError('BAD_REQUEST', 'No other device of yours has this id. See /devices.');
  return found[0];
}

function deviceJson({ installationId, enabled, name, lastActiveAt }: DeviceInfo) {
  return { device: installationId, paired: enabled, name, lastActiveAt };
}

export const DEVICES: readonly Action[] = [devices, pair, unpair, announce, reset];
