import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** Below the range from which the system picks ephemeral ports. */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** A port on loopback that nobody listens on now. For programs that can't say which one they took. */
export async function freePort(): Promise<number> {
  return take(0);
}

/** A port on loopback that is free now, and likely stays so: the system doesn't give it to anybody as an ephemeral port. */
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
