import type { DecodeLimits } from './decode-limits.js';

/** What the structural check needs to know about a message: its fields by number. */
export interface MessageShape {
  readonly name: string;
  readonly fields: ReadonlyMap<number, FieldShape>;
}

/** `size` limits the bytes of the value, `count` how often the field may occur; without `count`, once. */
export type FieldShape = {
  readonly name: string;
  readonly size?: keyof DecodeLimits | undefined;
  readonly count?: keyof DecodeLimits | undefined;
} & (
  | { readonly type: 'bytes' | 'string' | 'uint32' | 'int64' }
  | { readonly type: 'message'; readonly message: MessageShape }
  /** Keys are installation ids; `message` is the value. */
  | { readonly type: 'map'; readonly message: MessageShape }
);

const key = { type: 'bytes', size: 'maxKeyBytes' } as const;

const SIGNED_PRE_KEY: MessageShape = {
  name: 'SignedPreKey',
  fields: new Map<number, FieldShape>([
    [1, { name: 'signed_pre_key', ...key }],
    [2, { name: 'version', type: 'uint32' }],
    [3, { name: 'protocol_version', type: 'uint32' }],
  ]),
};

export const BUNDLE: MessageShape = {
  name: 'Bundle',
  fields: new Map<number, FieldShape>([
    [1, { name: 'identity', ...key }],
    [2, { name: 'signed_pre_keys', type: 'map', message: SIGNED_PRE_KEY, count: 'maxDevicesPerBundle' }],
    [4, { name: 'signature', ...key }],
    [5, { name: 'timestamp', type: 'int64' }],
    [1500, { name: 'strict_signature', ...key }],
  ]),
};

const X3DH_HEADER: MessageShape = {
  name: 'X3DHHeader',
  fields: new Map<number, FieldShape>([
    [1, { name: 'key', ...key }],
    [4, { name: 'id', ...key }],
  ]),
};

const DR_HEADER: MessageShape = {
  name: 'DRHeader',
  fields: new Map<number, FieldShape>([
    [1, { name: 'key', ...key }],
    [2, { name: 'n', type: 'uint32' }],
    [3, { name: 'pn', type: 'uint32' }],
    [4, { name: 'id', ...key }],
  ]),
};

const DH_HEADER: MessageShape = {
  name: 'DHHeader',
  fields: new Map<number, FieldShape>([[1, { name: 'key', ...key }]]),
};

const DIRECT_MESSAGE_PROTOCOL: MessageShape = {
  name: 'DirectMessageProtocol',
  fields: new Map<number, FieldShape>([
    [1, { name: 'x3dh_header', type: 'message', message: X3DH_HEADER }],
    [2, { name: 'dr_header', type: 'message', message: DR_HEADER }],
    [3, { name: 'payload', type: 'bytes' }],
    [101, { name: 'dh_header', type: 'message', message: DH_HEADER }],
  ]),
};

const bundle = { type: 'message', message: BUNDLE, size: 'maxBundleBytes' } as const;

export const PROTOCOL_MESSAGE: MessageShape = {
  name: 'ProtocolMessage',
  fields: new Map<number, FieldShape>([
    [1, { name: 'bundle', ...bundle }],
    [2, { name: 'installation_id', type: 'string', size: 'maxInstallationIdBytes' }],
    [3, { name: 'bundles', ...bundle, count: 'maxBundles' }],
    [
      101,
      { name: 'direct_message', type: 'map', message: DIRECT_MESSAGE_PROTOCOL, count: 'maxDirectMessages' },
    ],
    [102, { name: 'public_message', type: 'bytes' }],
  ]),
};
