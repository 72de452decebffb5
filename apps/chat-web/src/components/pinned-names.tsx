import { encodeHex, type PublicKey } from '@sotto/core';
import { formatKeyText } from '@sotto/identity';
import type { PinnedName } from '@sotto/messenger';
import { useEffect, useState } from 'preact/hooks';
import { crypto } from '../crypto.js';
import { isSame, timeOf } from '../format.js';
import { useSession } from '../session-context.js';
import { useRevision } from '../use-revision.js';
import { useTask } from '../use-task.js';
import { Explained } from './explained.js';
import { Identicon } from './identicon.js';
import { Time } from './time.js';

/** The names that were looked up and stand for somebody, each with its state. */
export function PinnedNames({ peer }: { readonly peer: PublicKey }) {
  const { messenger, finding } = useSession();
  const [names, setNames] = useState<readonly PinnedName[]>([]);
  const task = useTask();
  const now = useRevision();
  const read = async () => {
    setNames((await messenger.contacts.names()).filter(({ identity }) => isSame(identity, peer)));
  };
  // `now` says that there may be something new
  useEffect(() => {
    void read().catch(() => undefined);
  }, [peer, now]);
  if (names.length === 0) return null;
  return (
    <section aria-labelledby="names">
      <h2 id="names">Found by name</h2>
      <ul class="lines">
        {names.map((name) => (
          <li key={name.name}>
            <bdi>{name.name}</bdi>
            <span class="hint">
              {' '}
              has stood for this key since <Time at={name.pinnedAt} as={timeOf} />
            </span>
            {name.changedTo !== undefined && <NameChange name={name} onAnswered={() => void read()} />}
            <div class="row">
              {finding.names !== undefined && (
                <button
                  type="button"
                  disabled={task.busy}
                  onClick={() =>
                    void task.run(async () => {
                      await messenger.contacts.lookUp({ kind: 'name', name: name.name });
                      await read();
                    })
                  }
                >
                  {task.busy ? 'Looking…' : 'Look it up again'}
                </button>
              )}
              <button
                type="button"
                disabled={task.busy}
                onClick={() =>
                  void task.run(async () => {
                    await messenger.contacts.forgetName(name.name);
                    await read();
                  })
                }
              >
                Forget this name
              </button>
            </div>
          </li>
        ))}
      </ul>
      <p class="hint">
        Whoever holds a name decides which key it points to. It doesn't verify anyone: compare safety numbers.
      </p>
      <Explained error={task.error} />
    </section>
  );
}

/** Asks whom a name stands for that points to another key than before. */
export function NameChange({
  name,
  onAnswered,
}: {
  readonly name: PinnedName;
  onAnswered(pinned: PinnedName): void;
}) {
  const { messenger } = useSession();
  const task = useTask();
  const { changedTo } = name;
  if (changedTo === undefined) return null;
  const choose = (identity: PublicKey) =>
    void task.run(async () => onAnswered(await messenger.contacts.pinName(name.name, identity)));
  return (
    <div class="notice" role="alert">
      <p>
        <strong>
          <bdi>{name.name}</bdi> points to another key now.
        </strong>{' '}
        Its holder has a new key, or the name has a new holder. Nothing is sent to the new key unless you say
        so; ask the person you know first.
      </p>
      <div class="pair">
        {[
          { identity: name.identity, label: 'The key that you know' },
          { identity: changedTo, label: 'The new key' },
        ].map(({ identity, label }) => (
          <figure key={encodeHex(identity)}>
            <Identicon identity={identity} label={`The picture of this key: ${label}`} />
            <figcaption>
              {label} <code>{formatKeyText(crypto, identity, 'base58btc').slice(0, 12)}…</code>
            </figcaption>
          </figure>
        ))}
      </div>
      <div class="row">
        <button type="button" disabled={task.busy} onClick={() => choose(name.identity)}>
          Keep the key that I know
        </button>
        <button type="button" disabled={task.busy} onClick={() => choose(changedTo)}>
          Use the new key
        </button>
      </div>
      <Explained error={task.error} />
    </div>
  );
}
