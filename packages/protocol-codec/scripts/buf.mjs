// Runs buf in this package's folder with the arguments given, and gives its exit status.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export const packageFolder = fileURLToPath(new URL('..', import.meta.url));

/** The schemas, and the part of them that this package speaks; relative to the package. */
export const SCHEMAS = '../../proto';
export const OWN_SCHEMAS = ['--path', '../../proto/sotto/secure_transport'];
/** The schema as it was last released, see proto/README.md. */
export const BASELINE = '../../proto/baseline/secure_transport.binpb';

const executable = createRequire(import.meta.url).resolve('@bufbuild/buf/bin/buf');

export function buf(...args) {
  const result = spawnSync(process.execPath, [executable, ...args], { cwd: packageFolder, stdio: 'inherit' });
  if (result.error) throw result.error;
  return result.status ?? 1;
}
