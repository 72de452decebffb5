import { Explained } from './components/explained.js';
import { Screen } from './components/screen.js';
import { proposedNode } from './config.js';
import { ProposedNode } from './pages/proposed-node.js';
import { Unlock } from './pages/unlock.js';
import { Welcome } from './pages/welcome.js';
import { SessionContext } from './session-context.js';
import { Shell } from './shell.js';
import { cardShownElsewhere, openStore, phase } from './state.js';

export function App() {
  const now = phase.value;
  // Before anything connects.
  if (proposedNode.value !== undefined) return <ProposedNode address={proposedNode.value} />;
  switch (now.name) {
    case 'opening':
      return (
        <Screen title="Sotto">
          <p role="status">Opening…</p>
        </Screen>
      );
    case 'elsewhere':
      return (
        <Screen title="Open in another tab">
          {cardShownElsewhere.value && (
            <p class="good" role="status">
              The card is shown in your other tab. You can close this one.
            </p>
          )}
          <p>
            Your conversations are open in another tab or window of this browser. Only one can have them at a
            time.
          </p>
          <button type="button" class="primary" onClick={() => openStore('hand-over')}>
            Use them here
          </button>
        </Screen>
      );
    case 'broken':
      return (
        <Screen title="This can't be opened">
          <Explained error={now.error} />
          <button type="button" onClick={() => location.reload()}>
            Try again
          </button>
        </Screen>
      );
    case 'welcome':
      return <Welcome lost={now.lost} />;
    case 'locked':
      return <Unlock />;
    case 'open':
      return (
        <SessionContext.Provider value={now.session}>
          <Shell />
        </SessionContext.Provider>
      );
  }
}
