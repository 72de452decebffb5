/** Where the address of the node is kept when the user changed it. No secret, and needed before the store is open. */
const SETTING = 'sotto-chat:node';

/**
 * The node to connect to: `?node=ws://…` of this page's address, else what the user set, else what the page was served
 * with (`config.json` beside it).
 */
export async function nodeAddress(): Promise<string> {
  const asked = new URLSearchParams(location.search).get('node');
  const chosen = asked ?? localStorage.getItem(SETTING);
  return parseNodeAddress(chosen ?? (await servedAddress()));
}

export function setNodeAddress(address: string): void {
  localStorage.setItem(SETTING, parseNodeAddress(address));
}

/** Checks the address of a node. Throws a `TypeError` with words for people. */
export function parseNodeAddress(text: string): string {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (url === undefined || !['ws:', 'wss:'].includes(url.protocol)) {
    throw new TypeError('The address of a node begins with ws:// or wss://.');
  }
  return url.href;
}

async function servedAddress(): Promise<string> {
  const response = await fetch('config.json');
  const config = (await response.json()) as { node?: unknown };
  return String(config.node);
}
