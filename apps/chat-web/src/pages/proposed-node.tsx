import { useEffect, useState } from 'preact/hooks';
import { Screen } from '../components/screen.js';
import { acceptProposal, declineProposal, nodeAddress } from '../config.js';

/** A link wants this browser to use another node: the user decides. */
export function ProposedNode({ address }: { readonly address: string }) {
  const { host, protocol } = new URL(address);
  const [current, setCurrent] = useState<string>();
  useEffect(() => {
    void nodeAddress().then(
      (now) => setCurrent(new URL(now).host),
      () => undefined,
    );
  }, []);
  return (
    <Screen title="Use another node?">
      <p>
        The link that you followed wants your messages to go through the node at <strong>{host}</strong>
        {current !== undefined && (
          <>
            {' '}
            instead of <strong>{current}</strong>
          </>
        )}
        .
      </p>
      <p>
        A node can't read messages. It learns your network address, when you write, and which conversations
        belong together, and it can hold messages back. Use it only if you trust whoever runs it.
      </p>
      {protocol === 'ws:' && (
        <p class="notice">The connection to it is not encrypted: others on the network can see the same.</p>
      )}
      <button type="button" class="primary" onClick={declineProposal}>
        Keep my node
      </button>
      <button type="button" onClick={acceptProposal}>
        Use {host}
      </button>
    </Screen>
  );
}
