import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { addressName } from '@sotto/whisper-devp2p';

/** Proxies in front of this server that state their client's address. */
export class TrustedProxies {
  readonly #addresses = new BlockList();

  /** @param list addresses and subnets (`10.0.0.0/8`), see {@link isAddressOrSubnet} */
  constructor(list: readonly string[]) {
    for (const one of list) {
      const [address = '', bits] = one.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.#addresses.addAddress(address, family);
      else this.#addresses.addSubnet(address, Number(bits), family);
    }
  }

  has(address: string): boolean {
    const [bare = ''] = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%');
    const family = isIP(bare);
    return family !== 0 && this.#addresses.check(bare, family === 6 ? 'ipv6' : 'ipv4');
  }

  /**
   * The address of the client. `X-Forwarded-For` counts only from a proxy of the list, and only as far back as proxies of the
   * list have written it: anyone can write the entries before. A proxy without the header is the client itself.
   *
   * @returns its name, see {@link addressName}
   */
  clientOf(request: IncomingMessage): string {
    let client = request.socket.remoteAddress ?? '';
    const said = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
    while (this.has(client)) {
      const before = said
        .pop()
        ?.trim()
        .replace(/^\[(.*)\](:\d+)?$/, '$1');
      if (before === undefined || isIP(before) === 0) break;
      client = before;
    }
    return addressName(client);
  }
}

/** Whether a text is an address, or a subnet such as `10.0.0.0/8`. */
export function isAddressOrSubnet(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32));
}
