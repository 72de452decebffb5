// Budgets in gzip, bundled and minified by esbuild, for what an application would import. kB = 1000 bytes.
import { existsSync } from 'node:fs';

const dist = (name, entry = 'index') => `packages/${name}/dist/${entry}.js`;

/** What whoever uses conversations has with the messenger. */
const MESSENGER = [
  '@bufbuild/protobuf',
  '@sotto/core',
  '@sotto/messenger',
  '@sotto/protocol-codec',
  '@sotto/status-messages',
];

/** What post-quantum sessions take, which a messenger loads when it is created and offers them. */
const hybrid = ['@sotto/device/hybrid'];

const budgets = [
  {
    name: 'double-ratchet without a provider: starting, encrypting, decrypting',
    import: {
      [dist('double-ratchet')]:
        '{ startInitiator, startResponder, encrypt, decrypt, skippedKeyFor, secp256k1Suite }',
    },
    limit: '3.5 kB',
  },
  {
    name: 'double-ratchet without a provider, and states as bytes',
    import: {
      [dist('double-ratchet')]:
        '{ startInitiator, startResponder, encrypt, decrypt, skippedKeyFor, encodeState, decodeState, secp256k1Suite }',
    },
    limit: '4.7 kB',
  },
  {
    name: 'double-ratchet with the default provider of browsers',
    import: {
      [dist('double-ratchet')]:
        '{ startInitiator, startResponder, encrypt, decrypt, skippedKeyFor, encodeState, decodeState, secp256k1Suite }',
      [dist('crypto')]: '{ defaultProvider }',
    },
    // The aim is 20 kB. Three quarters of it are the curve, hashes and ciphers that the provider brings; 0.8 kB are tables of signers.
    limit: '28.5 kB',
  },
  {
    name: 'device, everything but the store',
    import: { [dist('device')]: '*' },
    limit: '38 kB',
  },
  {
    name: 'carrier over NATS, beside the client of NATS and the sealing',
    import: { [dist('nats-transport')]: '*' },
    loadedLater: ['@nats-io/*', '@sotto/whisper-transport'],
    limit: '7.2 kB',
  },
  {
    name: 'transport over Waku, beside the sealing and a provider',
    import: { [dist('waku-transport')]: '*' },
    loadedLater: ['@sotto/crypto', '@sotto/whisper-transport'],
    limit: '18 kB',
  },
  {
    name: 'messages of Status, without a provider',
    import: { [dist('status-messages')]: '*' },
    limit: '21 kB',
  },
  {
    name: 'client for Status users, without messenger and provider',
    import: { [dist('status-messages', 'client/index')]: '*' },
    limit: '36 kB',
  },
  {
    name: 'messenger when it starts, with a provider of the application, without store and transport',
    import: { [dist('messenger')]: '*' },
    loadedLater: [...hybrid, '*/group-parts.js', '*/default-provider.js', '*/discovery/discovery.js'],
    // 4 kB of it, and of those below, is the negotiation of suites, and sealed messages, which are read without the hybrid suite too.
    limit: '56.5 kB',
  },
  {
    name: 'messenger when it starts, with the default provider',
    import: { [dist('messenger')]: '*' },
    loadedLater: [...hybrid, '*/group-parts.js', '*/discovery/discovery.js'],
    // The aim was 60 kB. A third of it is the provider: the curve, hashes and ciphers.
    limit: '80 kB',
  },
  {
    name: 'messenger, also what it loads with the first group',
    import: { [dist('messenger')]: '*' },
    // Look-ups, names and directories are loaded when they are first used.
    loadedLater: [...hybrid, '*/discovery/discovery.js'],
    // 8 kB of it, and of those below, are sender keys.
    limit: '108 kB',
  },
  {
    name: 'messenger with what it loads for look-ups, names and directories',
    import: { [dist('messenger')]: '*' },
    loadedLater: hybrid,
    limit: '114 kB',
  },
  {
    name: 'messenger with everything, also what it loads for post-quantum sessions',
    import: { [dist('messenger')]: '*' },
    limit: '131 kB',
  },
  {
    name: 'agent, beside the messenger',
    import: { [dist('agent')]: '{ createAgent, openAccount }' },
    ignore: ['@sotto/messenger'],
    limit: '4.5 kB',
  },
  {
    name: 'conversations, and a window on one of them, beside the messenger',
    import: {
      [dist('conversations')]: '{ createConversations, openTimeline, conversationKey, parseConversationKey }',
    },
    // With the option `status`, and with the first file or text that disappears.
    loadedLater: ['*/status-history.js', '*/files-and-timers.js'],
    ignore: MESSENGER,
    limit: '12.1 kB',
  },
  {
    name: 'conversations, also searching and explaining, beside the messenger',
    import: { [dist('conversations')]: '*' },
    loadedLater: ['*/status-history.js', '*/files-and-timers.js'],
    ignore: MESSENGER,
    limit: '17 kB',
  },
  {
    name: 'profiles, beside conversations that are loaded',
    import: { [dist('conversations', 'profile')]: '{ createProfiles }' },
    loadedLater: ['*/status-history.js', '*/files-and-timers.js'],
    ignore: MESSENGER,
    limit: '5.5 kB',
  },
  {
    name: 'relay client, without the sealing above it',
    import: { [dist('whisper-transport', 'relay')]: '{ createRelayCarrier }' },
    limit: '6 kB',
  },
  {
    name: 'sealed transport over a relay, with the default provider',
    import: {
      [dist('whisper-transport')]: '{ createSealedTransport }',
      [dist('whisper-transport', 'relay')]: '{ createRelayCarrier }',
    },
    // Two thirds of it are the provider.
    limit: '41.2 kB',
  },
  {
    name: 'transport over the JSON-RPC of a Whisper node, without a provider',
    import: { [dist('whisper-rpc')]: '{ createRpcTransport }' },
    limit: '32.5 kB',
  },
  {
    name: 'directory on IPNS, without a provider',
    import: { [dist('directories', 'ipns')]: '*' },
    // The ipns library with its signatures would be 63 kB.
    limit: '9 kB',
  },
  {
    name: 'names of ENS, beside viem and without a provider',
    import: { [dist('directories', 'ens')]: '*' },
    ignore: ['viem'],
    limit: '6 kB',
  },
  {
    name: 'directory on Swarm, without a provider',
    import: { [dist('directories', 'swarm')]: '*' },
    limit: '6 kB',
  },
  {
    name: 'several directories asked as one, with decoding and checks of bundles, without a provider',
    import: { [dist('directories')]: '*' },
    limit: '12 kB',
  },
  {
    name: 'linking a device, beside the messenger with its backup and a provider',
    import: { [dist('device-linking')]: '*' },
    ignore: ['@sotto/messenger', '@sotto/messenger/backup', '@sotto/crypto'],
    limit: '17.5 kB',
  },
  {
    name: 'agreement among own devices, beside messenger and conversations',
    import: { [dist('device-sync')]: '*' },
    ignore: [...MESSENGER, '@sotto/conversations', '@noble/hashes'],
    // A fifth of it is generated from the schema.
    limit: '8.2 kB',
  },
  {
    name: 'files over a web server, until the first one is encrypted or decrypted',
    import: {
      [dist('attachments')]: '{ decodeAttachment, encodeAttachment, readAttachment, uploadAttachment }',
      [dist('attachments', 'http')]: '{ createHttpBlobStore }',
    },
    ignore: ['age-encryption'],
    limit: '15 kB',
  },
  {
    name: 'sender-keys without a provider',
    import: { [dist('sender-keys')]: '*' },
    // Half of it is the runtime of the generated code, which a messenger has anyway.
    limit: '7.7 kB',
  },
  {
    name: 'triple-ratchet with the parts of double-ratchet that it uses, without a provider',
    import: { [dist('triple-ratchet')]: '*' },
    limit: '10.5 kB',
  },
  {
    name: 'the post-quantum handshake, without a provider',
    import: { [dist('x3dh', 'pqxdh')]: '*' },
    limit: '3 kB',
  },
  {
    name: 'ML-KEM-768, without a provider',
    import: { [dist('crypto', 'ml-kem')]: '*' },
    limit: '9 kB',
  },
  {
    name: 'what the WebAssembly provider loads, when it is called',
    import: { [dist('crypto', 'webassembly/libraries')]: '*' },
    // A build of libsecp256k1 with its tables, as text; hash-wasm's KECCAK.
    limit: '135 kB',
  },
];

/** With top-level await, as one of the libraries has it; without the modules that an application loads later, by `import()`. */
const asModule =
  (loadedLater = []) =>
  (config) => ({ ...config, format: 'esm', external: [...(config.external ?? []), ...loadedLater] });

export default budgets
  .filter(({ import: entries }) => Object.keys(entries).every((file) => existsSync(file)))
  .map(({ loadedLater, ...budget }) => ({
    ...budget,
    path: Object.keys(budget.import),
    gzip: true,
    brotli: false,
    modifyEsbuildConfig: asModule(loadedLater),
  }));
