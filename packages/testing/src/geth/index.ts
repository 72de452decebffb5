export { buildGo } from './build-go.js';
export { Geth, type GethOptions } from './geth.js';
export { GethParty } from './geth-party.js';
