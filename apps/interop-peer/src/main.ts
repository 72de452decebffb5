import { once } from 'node:events';
import { splitLines } from './lines.js';
import { Peer } from './peer.js';

const peer = new Peer();

// The driver has gone; what was stored stays stored.
process.stdout.on('error', () => process.exit(1));

for await (const line of splitLines(process.stdin)) {
  const answer = await peer.answer(line);
  if (!process.stdout.write(`${JSON.stringify(answer)}\n`)) await once(process.stdout, 'drain');
}
await peer.close();
