import { join } from 'node:path';
import { bundlePath } from '@sotto/testing/bundle';

/** The path of a child's code, bundled when the tests began. */
export function childProgram(name: 'holder' | 'owner' | 'writer'): string {
  return bundlePath(join(import.meta.dirname, '..'), `test/children/${name}.ts`);
}
