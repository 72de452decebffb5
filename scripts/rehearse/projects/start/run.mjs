// Does what docs/start.md says, with its code, in a folder that `npm init -y` and `npm install` have made.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeContactCode } from '@sotto/protocol-codec';

const text = readFileSync(join(process.env.REHEARSAL_TOOLS, '../../../docs/start.md'), 'utf8');
const [hello, me] = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
writeFileSync('hello.mjs', hello);
writeFileSync('me.mjs', me);

const began = performance.now();
const run = (...args) => execFileSync(process.execPath, args, { encoding: 'utf8' });
if (!run('hello.mjs').includes('Psst, Bob.')) throw new Error('no message');
const seconds = ((performance.now() - began) / 1000).toFixed(1);

/** The prekeys that the program's contact code lists: they are in the store, and belong to its identity. */
function preKeys() {
  const [, code] = /^My contact code: (\S+)$/m.exec(run('me.mjs', 'alice')) ?? [];
  const { signedPreKeys } = decodeContactCode(code);
  return [...signedPreKeys].map(([device, { signedPreKey }]) => `${device} ${signedPreKey}`).join();
}
const [first, second] = [preKeys(), preKeys()];
if (first !== second) throw new Error('another device after a restart');
console.log(`did: a message after ${seconds} s; the same device after a restart`);
