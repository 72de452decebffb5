import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** Below the range from which the system picks ephemeral ports. */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** A free port on loopback. For programs that can't report which one they chose. */
export async function freePort(): Promise<number> {
  return take(0);
}

/** A port on loopback that is free now, and likely stays so: the system doesn't assign it as an ephemeral port. */
export async function lastingPort(): Promise<number> {
  for (;;) {
    try {
      return await take(randomInt(LOWEST, HIGHEST));
    } catch {
      // It is in use.
    }
  }
}

async function take(wanted: number): Promise<number> {
  const server = createServer();
  await once(server.listen(wanted, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
