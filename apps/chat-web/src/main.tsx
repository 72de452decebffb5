import { render } from 'preact';
import { App } from './app.js';
import { openStore } from './state.js';

render(<App />, document.getElementById('app') as HTMLElement);
void openStore();
