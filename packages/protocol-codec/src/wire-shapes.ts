import type { DecodeLimits } from './decode-limits.js';
import type { FieldShape, MessageShape } from './message-shape.js';

type Field = FieldShape<keyof DecodeLimits>;
type Shape = MessageShape<keyof DecodeLimits>;

const key = { type: 'bytes', size: 'maxKeyBytes' } as const;

const kemBytes = { type: 'bytes', size: 'maxKemBytes' } as const;

const HYBRID_PRE_KEY: Shape = {
  name: 'HybridPreKey',
  fields: new Map<number, Field>([
    [1, { name: 'suites', ...key }],
    [2, { name: 'curve25519_pre_key', ...key }],
    [3, { name: 'kem_pre_key_hash', ...key }],
    [4, { name: 'kem_pre_key', ...kemBytes }],
  ]),
};

const SIGNED_PRE_KEY: Shape = {
  name: 'SignedPreKey',
  fields: new Map<number, Field>([
    [1, { name: 'signed_pre_key', ...key }],
    [2, { name: 'version', type: 'uint32' }],
    [3, { name: 'protocol_version', type: 'uint32' }],
    [1500, { name: 'hybrid', type: 'message', message: HYBRID_PRE_KEY }],
  ]),
};

export const BUNDLE: Shape = {
  name: 'Bundle',
  fields: new Map<number, Field>([
    [1, { name: 'identity', ...key }],
    [
      2,
      {
        name: 'signed_pre_keys',
        type: 'map',
        keySize: 'maxInstallationIdBytes',
        message: SIGNED_PRE_KEY,
        count: 'maxDevicesPerBundle',
      },
    ],
    [4, { name: 'signature', ...key }],
    [5, { name: 'timestamp', type: 'int64' }],
    [1500, { name: 'strict_signature', ...key }],
  ]),
};

const X3DH_HEADER: Shape = {
  name: 'X3DHHeader',
  fields: new Map<number, Field>([
    [1, { name: 'key', ...key }],
    [4, { name: 'id', ...key }],
  ]),
};

const DR_HEADER: Shape = {
  name: 'DRHeader',
  fields: new Map<number, Field>([
    [1, { name: 'key', ...key }],
    [2, { name: 'n', type: 'uint32' }],
    [3, { name: 'pn', type: 'uint32' }],
    [4, { name: 'id', ...key }],
  ]),
};

const DH_HEADER: Shape = {
  name: 'DHHeader',
  fields: new Map<number, Field>([[1, { name: 'key', ...key }]]),
};

export const HYBRID_HANDSHAKE: Shape = {
  name: 'HybridHandshake',
  fields: new Map<number, Field>([
    [1, { name: 'suite', type: 'uint32' }],
    [2, { name: 'key', ...key }],
    [3, { name: 'curve25519_key', ...key }],
    [4, { name: 'kem_ciphertext', ...kemBytes }],
    [5, { name: 'id', ...key }],
    [6, { name: 'device_digest', ...key }],
  ]),
};

const HYBRID_HEADER: Shape = {
  name: 'HybridHeader',
  fields: new Map<number, Field>([
    [1, { name: 'handshake', type: 'message', message: HYBRID_HANDSHAKE }],
    [2, { name: 'known_version', type: 'uint32' }],
  ]),
};

const DIRECT_MESSAGE_PROTOCOL: Shape = {
  name: 'DirectMessageProtocol',
  fields: new Map<number, Field>([
    [1, { name: 'x3dh_header', type: 'message', message: X3DH_HEADER }],
    [2, { name: 'dr_header', type: 'message', message: DR_HEADER }],
    [3, { name: 'payload', type: 'bytes' }],
    [101, { name: 'dh_header', type: 'message', message: DH_HEADER }],
    [1500, { name: 'hybrid_header', type: 'message', message: HYBRID_HEADER }],
  ]),
};

const bundle = { type: 'message', message: BUNDLE, size: 'maxBundleBytes' } as const;

export const PROTOCOL_MESSAGE: Shape = {
  name: 'ProtocolMessage',
  fields: new Map<number, Field>([
    [1, { name: 'bundle', ...bundle }],
    [2, { name: 'installation_id', type: 'string', size: 'maxInstallationIdBytes' }],
    [3, { name: 'bundles', ...bundle, count: 'maxBundles' }],
    [
      101,
      {
        name: 'direct_message',
        type: 'map',
        keySize: 'maxInstallationIdBytes',
        message: DIRECT_MESSAGE_PROTOCOL,
        count: 'maxDirectMessages',
      },
    ],
    [102, { name: 'public_message', type: 'bytes' }],
  ]),
};
