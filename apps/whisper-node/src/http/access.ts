import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback } from './address.js';

/** Who may send requests. */
export interface AccessRules {
  /**
   * Allowed origins of web pages: `https://chat.example`; `localhost` for all pages of this machine; `*` for all
   * pages. Other programs send no origin, and are allowed.
   */
  readonly origins: readonly string[];
  /** Host names of this server, besides `localhost` and addresses; `*` for all. Against DNS rebinding. */
  readonly hosts: readonly string[];
}

/** Why a request is refused; `undefined` when it isn't. */
export function refusalOf(request: IncomingMessage, { origins, hosts }: AccessRules): string | undefined {
  const { host, origin } = request.headers;
  if (!mayBeAskedAs(host, hosts)) return 'this server is not known by that name';
  if (origin !== undefined && !mayAsk(origin, origins)) return 'pages of that origin are not allowed';
  return undefined;
}

function mayAsk(origin: string, origins: readonly string[]): boolean {
  if (origins.includes('*') || origins.includes(origin)) return true;
  if (!origins.includes('localhost') || !URL.canParse(origin)) return false;
  return isLoopback(new URL(origin).hostname);
}

function mayBeAskedAs(host: string | undefined, hosts: readonly string[]): boolean {
  // HTTP/1.0, which no browser uses.
  if (host === undefined || hosts.includes('*')) return true;
  if (!URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  return isLoopback(hostname) || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || hosts.includes(hostname);
}
