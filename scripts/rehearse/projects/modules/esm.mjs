import { entries } from './entries.mjs';
import { talk } from './talk.mjs';

for (const entry of entries()) await import(entry);
await talk();
