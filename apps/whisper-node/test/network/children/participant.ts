/**
 * Somebody with a messenger, in a process of their own: on a store on disk, over the relay of a node, with a clock that can be
 * set. It takes commands as lines of JSON on stdin, and says what happens in lines of JSON on stdout.
 *
 * Argument: the settings, see `Settings`, as JSON.
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { type Clock, decodeHex, encodeUtf8, isSottoError, type PublicKey, systemClock } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { createSqliteStore } from '@sotto/store-adapters/sqlite';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier, type WebSocketLike } from '@sotto/whisper-transport/relay';
import { WebSocket } from 'ws';

interface Settings {
  readonly store: 'leveldb' | 'sqlite';
  readonly directory: string;
  readonly relay: string;
  /** As hex. */
  readonly privateKey: string;
  /** Milliseconds that the clock is ahead. */
  readonly clockAhead: number;
}

type Command =
  | { readonly do: 'add'; readonly code: string }
  | { readonly do: 'say'; readonly to: string; readonly texts: readonly string[] }
  | { readonly do: 'setClockAhead'; readonly milliseconds: number }
  | { readonly do: 'flush' };

const settings = JSON.parse(process.argv[2] as string) as Settings;
const crypto = defaultProvider();
// Synchronous, so that what was said was said when the process is killed.
const say = (line: object) => writeSync(1, `${JSON.stringify(line)}\n`);

let ahead = settings.clockAhead;
const clock: Clock = {
  now: () => systemClock.now() + ahead,
  after: (milliseconds, run) => systemClock.after(milliseconds, run),
};

const messenger = await createMessenger({
  identity: crypto.secp256k1.keyPairFromPrivateKey(decodeHex(settings.privateKey)),
  installationId: 'only',
  store:
    settings.store === 'leveldb'
      ? await createLevelDbStore({ path: join(settings.directory, 'level') })
      : await createSqliteStore({ path: join(settings.directory, 'store.sqlite') }),
  transport: createSealedTransport(
    createRelayCarrier({
      url: settings.relay,
      clock,
      webSocket: (url, maxPayload) => new WebSocket(url, { maxPayload }) as WebSocketLike,
      // A fraction of the usual, so that faults need not last as long.
      heartbeat: 1_500,
      callTimeout: 2_000,
      backOff: { most: 1_000 },
    }),
    { crypto, clock },
  ),
  crypto,
  clock,
});
messenger.on('message', async (message) => {
  say({ event: 'got', id: message.id, text: new TextDecoder().decode(message.payload) });
  await message.acknowledge();
});
messenger.on('status', (status) => void say({ event: 'status', status }));
messenger.on('clockSkew', ({ skewMs }) => void say({ event: 'clock', skewMs }));
messenger.on(
  'decryptionFailed',
  ({ code, reason }) => void say({ event: 'trouble', what: `decryption ${code} ${reason}` }),
);
messenger.on('sendFailed', ({ error }) => void say({ event: 'trouble', what: `sending ${error}` }));
messenger.on('storageError', (error) => void say({ event: 'trouble', what: `storage ${error}` }));

async function obey(command: Command): Promise<void> {
  switch (command.do) {
    case 'add':
      await messenger.contacts.add(command.code);
      break;
    case 'say':
      for (const text of command.texts) {
        await messenger.send(decodeHex(command.to) as PublicKey, encodeUtf8(text));
        say({ event: 'said', text });
      }
      break;
    case 'setClockAhead':
      ahead = command.milliseconds;
      break;
    case 'flush':
      await messenger.flushed();
  }
  say({ event: 'done' });
}

let work: Promise<unknown> = messenger.start({ retry: true });
work = work.then(async () => say({ event: 'started', code: await messenger.contacts.ownCode() }));
createInterface({ input: process.stdin }).on('line', (line) => {
  work = work
    .then(() => obey(JSON.parse(line) as Command))
    .catch((error) => {
      say({ event: 'trouble', what: `${line}: ${isSottoError(error) ? error.code : ''} ${error}` });
    });
});
