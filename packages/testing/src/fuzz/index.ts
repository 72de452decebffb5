export { judge, judgeAndNote, MOST_BYTES, MOST_MS } from './judge.js';
export { dice } from './mutations.js';
export { attempt, Decisions, demand, Finding, type FuzzTarget } from './target.js';
