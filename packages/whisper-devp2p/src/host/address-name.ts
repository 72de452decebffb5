import { isIP } from 'node:net';

/** Groups of 16 bits of an IPv6 address that identify a customer: no one is assigned less than a /64. */
const IPV6_GROUPS = 4;

/**
 * The name by which limits per address count: the IPv4 address, also where it is written as IPv6; or the /64 of an IPv6 address, as
 * whoever has one of its addresses has all 2^64.
 */
export function addressName(address: string): string {
  const [bare = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  if (mapped !== undefined) return mapped;
  if (isIP(bare) !== 6) return bare;
  return `${expand(bare).slice(0, IPV6_GROUPS).join(':')}::/64`;
}

/** All eight groups of an IPv6 address, lower case, without leading zeros. */
function expand(address: string): string[] {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const groupsOf = (part: string) => (part === '' ? [] : part.split(':'));
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')];
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
}
