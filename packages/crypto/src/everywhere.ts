/** What every entry of this package exports; the default provider is added by platform. */
export * from './describe-provider.js';
export * from './ecies.js';
export * from './limits.js';
export * from './portable.js';
export * from './provider.js';
export * from './x25519-key-pair.js';
