// Every entry of every package of ours that is installed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export function entries() {
  const scope = join(import.meta.dirname, 'node_modules', '@sotto');
  return readdirSync(scope).flatMap((name) => {
    const { exports } = JSON.parse(readFileSync(join(scope, name, 'package.json'), 'utf8'));
    return Object.keys(exports)
      .filter((path) => path !== './package.json')
      .map((path) => `@sotto/${name}${path.slice(1)}`);
  });
}
