import { createPortableProvider } from '@sotto/crypto';
import { decodeBundle } from '@sotto/protocol-codec';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { checkBundlePlausibility, mergeBundle, verifyBundle } from '../../src/index.js';

const crypto = createPortableProvider();
const MAX_DEVICES = 16;

export default {
  about: 'bundles, verified, judged and merged',
  seeds: () => loadVectors('bundle').cases.map(({ protobuf }) => unhex(protobuf)),
  run(data) {
    const verified = verifyBundle(crypto, decodeBundle(data));
    const bundle = checkBundlePlausibility(crypto, verified, {
      now: 1_900_000_000_000,
      acceptUndated: true,
      maxDevices: MAX_DEVICES,
    });
    demand(bundle.devices.length <= MAX_DEVICES, 'More devices than allowed.');
    mergeBundle(new Map(), { ...bundle, timestamp: verified.timestamp });
  },
} satisfies FuzzTarget;
