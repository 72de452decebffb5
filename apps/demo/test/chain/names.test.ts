import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type {} from '@sotto/testing/chain/setup';
import { describe, expect, inject, it } from 'vitest';

describe.skipIf(inject('chain') === undefined)('npm run demo:names', () => {
  it('plays the chapter on a chain of its own, and every check holds', () => {
    const program = join(import.meta.dirname, '../../dist/names.js');
    const env = { ...process.env, NO_COLOR: '1' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8', env });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/ens answers: found/);
    expect(stdout).toMatch(/ ✓ {2}Found by name, on a chain {2}9 of 9/);
    expect(stdout.split('\n').filter((line) => [...line].length > 80)).toEqual([]);
    expect(status).toBe(0);
  });
});
