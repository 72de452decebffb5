export { judge, judgeAndNote, MOST_BYTES, MOST_MS } from './judge.js';
export { Decisions, demand, Finding, type FuzzTarget } from './target.js';
