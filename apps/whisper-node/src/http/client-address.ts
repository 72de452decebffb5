import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { addressName } from '@sotto/whisper-devp2p';

/** Proxies in front of this server that say whom they speak for. */
export class TrustedProxies {
  readonly #addresses = new BlockList();

  /** @param list addresses and subnets (`10.0.0.0/8`), as {@link isAddressOrSubnet} takes them */
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
   * Who asks. What `X-Forwarded-For` says counts only from a proxy of the list, and only as far back as proxies of the
   * list have said it: anybody can write what stands before. A proxy that doesn't say it is the client itself.
   *
   * @returns the name of {@link addressName}
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

/** Whether a text is an address, or a subnet as `10.0.0.0/8`. */
export function isAddressOrSubnet(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32));
}
