// Vitest's global set-up of a project: bundles the programs that its tests start.
import { join, relative } from 'node:path';
import type { TestProject } from 'vitest/node';
import { bundleProgram } from './packages/testing/dist/bundle.js';
import { programs } from './vitest.projects.js';

const root = import.meta.dirname;

export async function setup({ config }: TestProject): Promise<void> {
  for (const [folder, entry] of programs[relative(root, config.root)] ?? []) {
    await bundleProgram(join(root, folder), entry);
  }
}
