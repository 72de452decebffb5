import { signal } from '@preact/signals';

/** Key of the node address that the user set. Not secret, and needed before the store is open. */
const SETTING = 'sotto-chat:node';
/** Key of the addresses that links have proposed and the user declined. */
const DECLINED = 'sotto-chat:declined-nodes';
/** Most declined addresses remembered; the oldest are forgotten first, and asked about again. */
const MOST_DECLINED = 20;

/** The address of a node that a link proposes, until the user has decided: `?node=wss://…` of this page's address. */
export const proposedNode = signal<string | undefined>(undefined);

/** The node to connect to: what the user set, else what the page was served with (`config.json` beside it). */
export async function nodeAddress(): Promise<string> {
  return parseNodeAddress(localStorage.getItem(SETTING) ?? (await servedAddress()));
}

export function setNodeAddress(address: string): void {
  localStorage.setItem(SETTING, parseNodeAddress(address));
}

/**
 * Reads a proposed node from the address of the page. Anyone can make a link, and a node learns who talks when and with whom: so the user
 * is asked, unless it is the node anyhow, or was declined before.
 */
export async function readProposal(): Promise<void> {
  const asked = new URLSearchParams(location.search).get('node');
  if (asked === null) return;
  const address = proposalOf(asked, await nodeAddress().catch(() => undefined), declined());
  if (address === undefined) return forgetProposal();
  proposedNode.value = address;
}

/** What to ask about; `undefined` when there is nothing to decide. */
export function proposalOf(
  asked: string,
  current: string | undefined,
  declinedBefore: readonly string[],
): string | undefined {
  try {
    const address = parseNodeAddress(asked);
    return address === current || declinedBefore.includes(address) ? undefined : address;
  } catch {
    return undefined;
  }
}

/** Uses the node that was proposed from now on. */
export function acceptProposal(): void {
  const { value } = proposedNode;
  if (value === undefined) return;
  setNodeAddress(value);
  const others = declined().filter((address) => address !== value);
  localStorage.setItem(DECLINED, JSON.stringify(others));
  forgetProposal();
}

/** Keeps the current node, and doesn't ask about this one again. */
export function declineProposal(): void {
  const { value } = proposedNode;
  if (value === undefined) return;
  localStorage.setItem(DECLINED, JSON.stringify([...declined(), value].slice(-MOST_DECLINED)));
  forgetProposal();
}

/** Also takes it out of the address of the page: it isn't asked again when that is loaded anew, or passed on. */
function forgetProposal(): void {
  const url = new URL(location.href);
  url.searchParams.delete('node');
  history.replaceState(history.state, '', url);
  proposedNode.value = undefined;
}

function declined(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(DECLINED) ?? '[]');
    return Array.isArray(kept) ? kept.map(String) : [];
  } catch {
    return [];
  }
}

/** Checks the address of a node. Throws a `TypeError` with words for people. */
export function parseNodeAddress(text: string): string {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (url === undefined || !['ws:', 'wss:'].includes(url.protocol)) {
    throw new TypeError('The address of a node begins with ws:// or wss://.');
  }
  // Browsers don't send a name, and before an @ it only looks like the host.
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('The address of a node has no name or password before an @.');
  }
  url.hash = '';
  return url.href;
}

async function servedAddress(): Promise<string> {
  const response = await fetch('config.json');
  const config = (await response.json()) as { node?: unknown };
  return String(config.node);
}
