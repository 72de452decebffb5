export {
  bundleSignedMaterial,
  bundleTimestamp,
  deviceDigest,
  signBundle,
  strictSignedMaterial,
  type VerifiedBundle,
  verifyBundle,
} from './bundle.js';
export { type DhFallbackMessage, openDhFallback, sealDhFallback } from './dh-fallback.js';
export { HYBRID_SUITE, offersHybrid, offersSealed, SEALED_SENDER } from './hybrid-offer.js';
export { acceptX3dh, initiateX3dh, X3dhInitiation } from './key-agreement.js';
export { type BundleMerge, type KnownDevice, mergeBundle } from './merge.js';
export {
  type BundleDevice,
  checkBundlePlausibility,
  type PlausibilityOptions,
  type PlausibleBundle,
} from './plausibility.js';
