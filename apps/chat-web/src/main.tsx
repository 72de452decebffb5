import { render } from 'preact';
import { App } from './app.js';
import { readProposal } from './config.js';
import { openFromNotifications } from './notifications.js';
import { openStore, showCardsOfOtherTabs } from './state.js';

render(<App />, document.getElementById('app') as HTMLElement);
showCardsOfOtherTabs();
openFromNotifications();
// Keeps the page itself, so that it opens without a network; it is never asked for messages. Not while developing.
void navigator.serviceWorker?.register('./service-worker.js').catch(() => undefined);
// What a link asks is there before an account can be opened.
void readProposal().finally(() => openStore());
