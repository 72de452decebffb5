export { Kubo, startKuboNetwork } from './kubo.js';
