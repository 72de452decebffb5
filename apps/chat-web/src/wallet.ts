import type { EnsTransaction } from '@sotto/directories/ens';

/** The part of an injected wallet that is used (EIP-1193). */
export interface Wallet {
  request(call: { readonly method: string; readonly params?: readonly unknown[] }): Promise<unknown>;
}

/** The wallet that an extension has put into the page, if there is one. */
export function injectedWallet(): Wallet | undefined {
  const { ethereum } = globalThis as { readonly ethereum?: Wallet };
  return typeof ethereum?.request === 'function' ? ethereum : undefined;
}

/**
 * Asks the wallet to sign and send a transaction: it shows it to its owner, who decides. Throws a `TypeError` with words for
 * people when it is on another chain than the one that the transaction was prepared for.
 * @returns the hash of the transaction
 */
export async function sendByWallet(
  wallet: Wallet,
  { to, data }: Pick<EnsTransaction, 'to' | 'data'>,
  rpc: string,
): Promise<string> {
  const [account] = (await wallet.request({ method: 'eth_requestAccounts' })) as readonly string[];
  const [ours, theirs] = await Promise.all([wallet.request({ method: 'eth_chainId' }), chainIdOf(rpc)]);
  if (Number(ours) !== Number(theirs)) {
    throw new TypeError(
      `The wallet is on chain ${Number(ours)}, the name on chain ${Number(theirs)}. Nothing was sent.`,
    );
  }
  const transaction = { from: account, to, data, value: '0x0' };
  return String(await wallet.request({ method: 'eth_sendTransaction', params: [transaction] }));
}

async function chainIdOf(rpc: string): Promise<unknown> {
  const response = await fetch(rpc, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    credentials: 'omit',
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }),
  });
  return ((await response.json()) as { readonly result?: unknown }).result;
}
