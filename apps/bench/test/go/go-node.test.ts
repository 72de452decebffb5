import { describe, expect, it } from 'vitest';
import { powContestants } from '../../src/proof-of-work/contestants.js';
import { buildGoNode } from '../../src/proof-of-work/go-node.js';
import { race } from '../../src/race.js';

const missing = await buildGoNode();
if (missing !== undefined) {
  if (process.env['SOTTO_REQUIRE_GO'] === '1') throw new Error(`SOTTO_REQUIRE_GO=1, and: ${missing}`);
  const line = '!'.repeat(80);
  process.stderr.write(`\n${line}\nSKIPPED: the Go node could not be built.\n${missing}\n${line}\n\n`);
}

describe.skipIf(missing !== undefined)('proof of work', () => {
  it('is measured of a Go node beside ours', async () => {
    const scenarios = ['256 B', '1.5 KiB'] as const;
    const options = { contestants: powContestants, scenarios, rounds: 1, milliseconds: 1 };
    const results = await race({ ...options, onProgress: () => {} });
    for (const scenario of scenarios) {
      expect([...(results.get(scenario)?.values() ?? [])]).toEqual(
        powContestants.map(() => expect.objectContaining({ median: expect.any(Number) })),
      );
    }
  });
});
