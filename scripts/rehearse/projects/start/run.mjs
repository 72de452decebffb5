// Does what docs/start.md says, with its code, in a folder that `npm init -y` and `npm install` have made.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const text = readFileSync(join(process.env.REHEARSAL_TOOLS, '../../../docs/start.md'), 'utf8');
const [hello, me] = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
writeFileSync('hello.mjs', hello);
writeFileSync('me.mjs', me);

const began = performance.now();
const run = (...args) => execFileSync(process.execPath, args, { encoding: 'utf8' });
if (!run('hello.mjs').includes('Psst, Bob.')) throw new Error('no message');
const seconds = ((performance.now() - began) / 1000).toFixed(1);
const [first, second] = [run('me.mjs', 'alice'), run('me.mjs', 'alice')];
if (!/^My contact code: \S{50,}/m.test(first)) throw new Error(`It says: ${first}`);
if (first !== second) throw new Error('another identity after a restart');
console.log(`did: a message after ${seconds} s; the same contact code after a restart`);
