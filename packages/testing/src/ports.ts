import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the range from which the system picks ephemeral ports. */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** Ports that this process has been given: the programs that use them may start later, or again. */
const given = new Set<number>();

/**
 * A free port on loopback, for programs that can't report which one they chose. It likely stays free while its program is down, since
 * the system doesn't take it for a connection: a client that tries an ephemeral port again and again even connects to itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
