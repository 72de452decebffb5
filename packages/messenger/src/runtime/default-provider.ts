// A module of its own, so that bundlers leave out what else the package exports.
export { defaultProvider } from '@sotto/crypto';
