import type { WakuLibp2p } from './node.js';

/** The protocol by which stores are asked. */
const STORE_PROTOCOL = '/vac/waku/store-query/3.0.0';

/** How many of the peers have a store, and how many don't. */
export interface StorePeers {
  readonly having: number;
  readonly lacking: number;
}

/** Which of the connected peers have a store, as far as they have said what they offer; all, if the node doesn't tell. */
export async function countStorePeers(libp2p: WakuLibp2p): Promise<StorePeers> {
  const { peerStore } = libp2p;
  const connections = libp2p.getConnections?.();
  if (peerStore === undefined || connections === undefined) return { having: 1, lacking: 0 };
  const offers = connections.map(async ({ remotePeer }) => {
    const peer = await peerStore.get(remotePeer as never).catch(() => undefined);
    return peer?.protocols.includes(STORE_PROTOCOL) === true;
  });
  const having = (await Promise.all(offers)).filter((has) => has).length;
  return { having, lacking: connections.length - having };
}
