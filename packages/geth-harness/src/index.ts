export { buildGo } from './build-go.js';
export { freePort } from './free-port.js';
export { Geth, type GethOptions } from './geth.js';
export { GethParty } from './geth-party.js';
