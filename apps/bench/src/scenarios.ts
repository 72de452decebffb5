import { randomFillSync } from 'node:crypto';
import type { Library, Pair, Party, ScenarioId } from './library.js';
import type { Measured } from './measuring.js';

/** A scenario: prepares, and returns the measured function with its number of operations. */
export interface Scenario {
  readonly id: ScenarioId;
  /** Description of one operation. */
  readonly about: string;
  prepare(library: Library): Promise<Measured>;
}

const REVERSED = 1_000;

const payload = (size: number) => randomFillSync(new Uint8Array(size));

/** Encrypts and decrypts a message; awaits only if the library is asynchronous. */
async function bring(from: Party, to: Party, plaintext: Uint8Array): Promise<void> {
  const message = from.encrypt(plaintext);
  const opened = to.decrypt(message instanceof Promise ? await message : message);
  if (opened instanceof Promise) await opened;
}

/** A session that both parties have used. */
async function established(library: Library): Promise<Pair> {
  const pair = await library.begin();
  const [a, b] = pair;
  const hello = payload(16);
  await bring(a, b, hello);
  await bring(b, a, hello);
  return pair;
}

function oneWay(id: ScenarioId, size: number): Scenario {
  return {
    id,
    about: `messages of ${id}, encrypted and decrypted, in one direction`,
    async prepare(library) {
      const [a, b] = await established(library);
      const plaintext = payload(size);
      return { operations: 1, run: () => bring(a, b, plaintext) };
    },
  };
}

export const scenarios: readonly Scenario[] = [
  {
    id: 'sessions',
    about: 'sessions begun from a bundle, with the first message encrypted and decrypted',
    async prepare(library) {
      const hello = payload(64);
      return {
        operations: 1,
        async run() {
          const pair = await library.begin();
          await bring(pair[0], pair[1], hello);
          pair.end?.();
        },
      };
    },
  },
  oneWay('64 B', 64),
  oneWay('1 KiB', 1024),
  oneWay('64 KiB', 65_536),
  {
    id: 'ping-pong',
    about: 'messages of 1 KiB, each in the other direction than the one before',
    async prepare(library) {
      const [a, b] = await established(library);
      const plaintext = payload(1024);
      return {
        operations: 2,
        async run() {
          await bring(a, b, plaintext);
          await bring(b, a, plaintext);
        },
      };
    },
  },
  {
    id: 'reverse',
    about: `messages of 64 B, encrypted ${REVERSED} at a time and decrypted in reverse`,
    async prepare(library) {
      const [from, to] = await established(library);
      const plaintext = payload(64);
      return {
        operations: REVERSED,
        async run() {
          const messages: unknown[] = [];
          for (let i = 0; i < REVERSED; i++) messages.push(await from.encrypt(plaintext));
          for (const message of messages.reverse()) {
            const opened = to.decrypt(message);
            if (opened instanceof Promise) await opened;
          }
        },
      };
    },
  },
];
