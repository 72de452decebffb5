import type { DecodeLimits } from './decode-limits.js';
import type { FieldShape, MessageShape } from './message-shape.js';

type Field = FieldShape<keyof DecodeLimits>;
type Shape = MessageShape<keyof DecodeLimits>;

const key = { type: 'bytes', size: 'maxKeyBytes' } as const;

const SIGNED_PRE_KEY: Shape = {
  name: 'SignedPreKey',
  fields: new Map<number, Field>([
    [1, { name: 'signed_pre_key', ...key }],
    [2, { name: 'version', type: 'uint32' }],
    [3, { name: 'protocol_version', type: 'uint32' }],
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

const DIRECT_MESSAGE_PROTOCOL: Shape = {
  name: 'DirectMessageProtocol',
  fields: new Map<number, Field>([
    [1, { name: 'x3dh_header', type: 'message', message: X3DH_HEADER }],
    [2, { name: 'dr_header', type: 'message', message: DR_HEADER }],
    [3, { name: 'payload', type: 'bytes' }],
    [101, { name: 'dh_header', type: 'message', message: DH_HEADER }],
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
