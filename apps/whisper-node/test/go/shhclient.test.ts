import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildGo, Geth } from '@sotto/testing/geth';
import type {} from '@sotto/testing/geth/setup';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type NodeProcess, startNode } from '../node-process.js';

const geth = inject('geth');
const run = promisify(execFile);

interface Outcome {
  readonly call: string;
  readonly result?: unknown;
  readonly error?: string;
}

describe.skipIf(geth === undefined)("go-ethereum's own client", () => {
  let theirs: Geth;
  let ours: NodeProcess;
  let program: string;

  beforeAll(async () => {
    const cache = join(import.meta.dirname, '../../node_modules/.cache/shhclient');
    program = await buildGo(join(import.meta.dirname, 'shhclient'), cache, 'shhclient');
    theirs = await Geth.start(geth as string);
    ours = await startNode(['--rpc-keys']);
  }, 600_000);
  afterAll(async () => {
    await ours?.close();
    await theirs?.close();
  });

  async function outcomesAt(url: string): Promise<Outcome[]> {
    const { stdout } = await run(program, [url]);
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Outcome);
  }

  it.each(['http', 'ws'] as const)(
    'gets the same from our node as from a real one, by %s: keys, filters, messages, and the words of refusals',
    async (scheme) => {
      const [got, wanted] = [await outcomesAt(ours.rpc(scheme)), await outcomesAt(theirs.url(scheme))];
      expect(got).toEqual(wanted);
      // And both did what they were asked to.
      const resultOf = (call: string) => got.find((outcome) => outcome.call === call)?.result;
      expect(got.length).toBeGreaterThan(55);
      expect(resultOf('version')).toBe('6.0');
      expect(resultOf('getSymKey')).toBe('11'.repeat(32));
      expect(resultOf('messages symmetric')).toHaveLength(3);
      expect(resultOf('messages symmetric and signed')).toHaveLength(1);
      expect(resultOf('messages asymmetric')).toHaveLength(1);
      if (scheme === 'ws') expect(resultOf('subscription')).toEqual(resultOf('messages symmetric'));
      for (const { call, error } of got) {
        // An empty topic is all topics; what is unknown is deleted already.
        if (!/ with /.test(call) || call.endsWith('with a symmetric key and no topic')) continue;
        expect([call, error]).toEqual([call, expect.any(String)]);
      }
    },
  );
});
