// One side of a linking, in a process to be killed: the new device, or the old one. The parent is its network; it is told with
// `ready` when the work begins, and with `ended` when all of it is done.
import { defaultProvider } from '@sotto/crypto';
import { handOverAccount, receiveAccount } from '@sotto/device-linking';
import { readAccount } from '@sotto/messenger';
import { killing, parentTransport } from '@sotto/testing/kills';
import { hurried } from './hurried.ts';
import { openStore } from './stores.ts';

const { side, kind, directory, code, installationId, ...death } = JSON.parse(process.argv[2]);
const crypto = defaultProvider();
const account = await openStore(kind, directory, 'account');
const linkStore = killing(await openStore(kind, directory, 'link'), death);
const common = { linkStore, transport: parentTransport(), crypto, deviceName: side, clock: hurried };
const say = (message) => process.send(message);

say({ type: 'ready' });
if (side === 'new' && !(await isDone())) {
  const received = await receiveAccount({
    ...common,
    accountStore: account,
    onCode: (text) => say({ type: 'code', text }),
    confirm: () => true,
  });
  await received.finish(installationId);
} else if (side === 'old') {
  const identity = await readAccount(account, crypto);
  await handOverAccount({
    ...common,
    account: { store: account, identity, installationId },
    code,
    confirm: () => true,
  });
}
await linkStore.close();
await account.close();
say({ type: 'ended' });
process.disconnect();

/** Whether the process before was killed at the very end: who has an account, and no link in progress, begins no other one. */
async function isDone() {
  for await (const _ of linkStore.list('', { limit: 1 })) return false;
  return (await readAccount(account, crypto)) !== undefined;
}
