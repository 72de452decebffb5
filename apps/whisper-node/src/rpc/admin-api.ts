import { decodeHex, isSottoError } from '@sotto/core';
import type { WhisperHost } from '@sotto/whisper-devp2p';
import type { Api, Method } from './dispatcher.js';
import { refused } from './rpc-error.js';

/** The useful part of the namespace `admin`, and the methods of `shh` that change the node. */
export function createAdminApi(host: WhisperHost): Api {
  const methods: Record<string, Method> = {
    admin_nodeInfo: () => ({ id: host.id, enode: host.enode ?? '', protocols: { shh: { version: '6.0' } } }),
    admin_peers: () =>
      host.peers.map(({ id, clientId, address, inbound, trusted }) => ({
        id,
        name: clientId,
        caps: ['shh/6'],
        network: { remoteAddress: address, inbound, trusted },
      })),
    admin_addPeer: (params) => told(() => host.addPeer(params.text(0))),
    admin_removePeer: (params) => told(() => host.removePeer(params.text(0))),
    admin_addTrustedPeer: (params) => told(() => host.trustPeer(params.text(0))),
    shh_markTrustedPeer: (params) => told(() => host.trustPeer(params.text(0))),
    shh_setMinPoW: (params) => told(() => host.setMinimumPow(params.number(0))),
    shh_setBloomFilter: (params) => told(() => host.setBloom(decodeHex(params.text(0)))),
  };
  return { modules: { admin: '1.0' }, methods: new Map(Object.entries(methods)), subscribers: new Map() };
}

function told(run: () => void): true {
  try {
    run();
    return true;
  } catch (error) {
    if (!isSottoError(error)) throw error;
    throw refused(error.message);
  }
}
