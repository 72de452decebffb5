import { render } from 'preact';
import { App } from './app.js';
import { readProposal } from './config.js';
import { openStore } from './state.js';

render(<App />, document.getElementById('app') as HTMLElement);
// What a link asks is there before an account can be opened.
void readProposal().finally(() => openStore());
