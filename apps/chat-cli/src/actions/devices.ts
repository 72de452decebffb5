import type { DeviceInfo } from '@sotto/messenger';
import { CliError } from '../cli-error.js';
import type { HandOverNews } from '../linking.js';
import { findPerson, nameOf, plain } from '../names.js';
import type { Session } from '../session.js';
import { type Action, CURRENT } from './action.js';

const devices: Action = {
  name: 'devices',
  about: 'lists the devices of your account',
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
        `${messenger.installationId}  this device`,
        ...lines,
        ...(others.length === 0
          ? ['', 'No other device is known. Start chat-cli --link on it, and type /link CODE here.']
          : []),
        ...(others.some(({ enabled }) => !enabled)
          ? ['', 'If a device is yours: /pair and the start of its id.']
          : []),
      ],
    };
  },
};

const pair: Action = {
  name: 'pair',
  about: 'shares messages with another device of yours: /pair ID NAME, on both devices',
  parameters: [
    { name: 'device', kind: 'word' },
    { name: 'name', kind: 'rest', optional: true },
  ],
  async run({ messenger }, args) {
    const { installationId } = await findDevice(messenger, args.text('device'));
    await messenger.devices.enable(installationId);
    const name = args.optional('name');
    if (name !== undefined) await messenger.devices.describe(installationId, { name });
    // So that the other device learns of this one.
    await messenger.devices.announce();
    return { value: { device: installationId }, said: ['Paired. Do the same on the other device.'] };
  },
};

const unpair: Action = {
  name: 'unpair',
  about: 'stops sharing; peers that know the device keep writing to it until you use three others',
  parameters: [{ name: 'device', kind: 'word' }],
  async run({ messenger }, args) {
    const { installationId } = await findDevice(messenger, args.text('device'));
    await messenger.devices.disable(installationId);
    return { value: { device: installationId }, said: ['No longer paired.'] };
  },
};

const unlink: Action = {
  name: 'unlink',
  about: 'gives a device up: nothing is sent to it, and new contacts do not learn of it. It keeps its key',
  parameters: [{ name: 'device', kind: 'word' }],
  async run({ messenger }, args) {
    const { installationId } = await findDevice(messenger, args.text('device'));
    await messenger.devices.unlink(installationId);
    return {
      value: { device: installationId },
      said: [
        'Unlinked. Do the same on your other devices.',
        '',
        'People who know the device go on writing to it until three others of yours have been active since.',
        'It keeps the key of your account: if it was stolen, only a new account helps.',
      ],
    };
  },
};

/** Milliseconds that `/link` waits for the other device before it leaves the rest to a notice. */
const ANSWER_MS = 20_000;

const link: Action = {
  name: 'link',
  about: 'gives your account to a new device that shows a code: /link CODE, then /link yes, no or stop',
  parameters: [{ name: 'code', kind: 'word' }],
  async run(session, args) {
    const { handOver } = session;
    if (handOver === undefined)
      throw new CliError('BAD_OPTION', 'With --memory nothing is kept, so there is nothing to hand over.');
    const code = args.text('code');
    if (code === 'yes' || code === 'no') {
      handOver.answer(code === 'yes');
      return { value: {}, said: [code === 'yes' ? 'Handing over.' : 'Declined. Nothing was sent.'] };
    }
    if (code === 'stop') {
      await handOver.stop();
      return { value: {}, said: ['Stopped.'] };
    }
    const answer = new Promise<HandOverNews | undefined>((resolve) => {
      const timer = setTimeout(resolve, ANSWER_MS, undefined);
      const off = session.onNotice((notice) => {
        if (notice.what !== 'linking') return;
        clearTimeout(timer);
        off();
        resolve(notice.news);
      });
    });
    await handOver.begin(code);
    const news = await answer;
    if (news?.news === 'failed') throw news.error;
    if (news?.news !== 'asks')
      return { value: {}, said: ['The device has not answered yet. A line below says when.'] };
    return { value: { name: news.name }, said: questionAbout(news.name) };
  },
};

/** What is asked before an account is handed over. */
function questionAbout(name: string): readonly string[] {
  return [
    `The device that shows this code calls itself ${plain(name)}.`,
    'It will get your account with all messages, and can write in your name.',
    'Only go on if you hold it in your hands, and nobody has sent you this code.',
    '',
    'Your key is at the top of this window: the other device shows the one that it is offered.',
    '',
    '/link yes   or   /link no',
  ];
}

const announce: Action = {
  name: 'announce',
  about: 'announces this device to your other devices',
  parameters: [],
  async run({ messenger, statusClient }) {
    await messenger.devices.announce();
    // What Status clients understand.
    await statusClient?.announceDevice({ name: 'terminal', deviceType: 'desktop' });
    return {
      value: { thisDevice: messenger.installationId },
      said: ['Announced. Pair it on your other devices.'],
    };
  },
};

const reset: Action = {
  name: 'reset',
  about: 'starts a new session with this person; use it when messages cannot be read',
  parameters: [CURRENT],
  async run(session, args) {
    const person = findPerson(session, args.text('conversation'));
    await session.messenger.devices.resetSession(person);
    return { value: {}, said: [`The next message to ${nameOf(session, person)} starts a new session.`] };
  },
};

async function otherDevices(messenger: Session['messenger']): Promise<readonly DeviceInfo[]> {
  return (await messenger.devices.list()).filter(
    ({ installationId }) => installationId !== messenger.installationId,
  );
}

/** Finds a device by its id or a prefix of it. @throws CliError */
async function findDevice(messenger: Session['messenger'], text: string): Promise<DeviceInfo> {
  const found = (await otherDevices(messenger)).filter(({ installationId }) =>
    installationId.startsWith(text),
  );
  if (found.length > 1)
    throw new CliError('AMBIGUOUS_NAME', 'Several ids start like this. Type more of the id.');
  if (found[0] === undefined)
    throw new CliError('BAD_REQUEST', 'No other device of yours has this id. See /devices.');
  return found[0];
}

function deviceJson({ installationId, enabled, name, lastActiveAt }: DeviceInfo) {
  return { device: installationId, paired: enabled, name, lastActiveAt };
}

export const DEVICES: readonly Action[] = [devices, link, pair, unpair, unlink, announce, reset];
