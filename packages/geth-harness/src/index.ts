export { freePort } from './free-port.js';
export { Geth } from './geth.js';
