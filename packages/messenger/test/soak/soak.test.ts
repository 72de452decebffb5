/** What messengers keep in memory while they talk for long. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { temporaryDirectory } from '@sotto/testing/files';
import { growing } from '@sotto/testing/heap';
import { describe, expect, it } from 'vitest';

/** Before a release, half an hour: SOTTO_SOAK_MINUTES=30. */
const MINUTES = process.env['SOTTO_SOAK_MINUTES'] ?? '0';
/** Rounds until the first count, when all that has a bound has reached it: of each messenger, 4096 records in memory. */
const ROUNDS = 2_500;

describe('a conversation without end', () => {
  it.skipIf(MINUTES === '0')(
    'leaves nothing in memory for each message: sessions, groups, public chats, over days',
    async () => {
      const child = fork(
        join(import.meta.dirname, 'child.mjs'),
        [temporaryDirectory(), `${ROUNDS}`, MINUTES],
        {
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        },
      );
      let answer: { rounds: number; received: number; growing: object } | undefined;
      child.on('message', (message: typeof answer) => {
        answer = message;
      });
      const [code] = await once(child, 'exit');
      if (answer === undefined) throw new Error(`the process ended with ${code}`);
      process.stdout.write(`soak: ${answer.rounds} rounds, ${answer.received} messages received\n`);
      // Each round has a message to one, and two to the two others.
      expect(answer.received).toBe(5 * answer.rounds);
      expect(answer.growing).toEqual({});
    },
    120_000 + 120_000 * Number(MINUTES),
  );

  it('would be noticed: something that is kept for every tenth message, and not what grows once', () => {
    const counts = (leak: number, cache: number) =>
      new Map([
        ['object Leak', leak],
        ['object Cache', cache],
      ]);
    expect(growing([counts(0, 0), counts(11, 500), counts(22, 500)], 100, 0.1)).toEqual({
      'object Leak': 11,
    });
  });
});
