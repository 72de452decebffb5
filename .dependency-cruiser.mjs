// Who may import whom. See ARCHITECTURE.md, "Import direction".
import { existsSync, readdirSync } from 'node:fs';

/** Of each package, the packages that its sources may import. A package that isn't here is refused. */
const layers = {
  core: [],
  crypto: ['core'],
  'protocol-codec': ['core'],
  x3dh: ['core', 'crypto', 'protocol-codec'],
  'double-ratchet': ['core', 'crypto'],
  'triple-ratchet': ['core', 'double-ratchet'],
  'device-linking': ['core', 'crypto', 'protocol-codec', 'messenger'],
  'device-sync': ['core', 'protocol-codec', 'messenger', 'conversations'],
  'group-log': ['core', 'crypto'],
  'sender-keys': ['core', 'crypto'],
  device: ['core', 'crypto', 'protocol-codec', 'x3dh', 'double-ratchet', 'triple-ratchet'],
  messenger: ['core', 'crypto', 'protocol-codec', 'group-log', 'sender-keys', 'device', 'directories'],
  conversations: ['core', 'protocol-codec', 'messenger', 'status-messages'],
  attachments: ['core', 'protocol-codec'],
  agent: ['core', 'crypto', 'messenger', 'conversations'],
  identity: ['core', 'crypto', 'protocol-codec'],
  'nats-transport': ['core', 'whisper-transport'],
  'status-messages': ['core', 'protocol-codec', 'messenger'],
  'waku-transport': ['core', 'crypto', 'status-messages', 'whisper-transport'],
  'whisper-transport': ['core', 'crypto'],
  'whisper-devp2p': ['core', 'crypto', 'whisper-transport'],
  'whisper-rpc': ['core', 'crypto', 'whisper-transport'],
  'store-adapters': ['core'],
  directories: ['core', 'crypto', 'protocol-codec', 'x3dh'],
  compliance: ['core'],
  testing: ['core'], // private: see the rule of its name
};

/** Sources that may import Node's own modules: folders `node/`, files `*.node.ts`, and these. */
const forNode = [
  '/node/',
  '^packages/whisper-devp2p/src/',
  '[.]node[.]ts$',
  '^packages/testing/src/', // private; reads files and starts programs for tests
  '^packages/store-adapters/src/((leveldb|sqlite|postgres)[.]ts$|postgres/)', // entries for Node; browsers take ./level
];

const unlistedPackages = existsSync('packages')
  ? readdirSync('packages').filter((name) => existsSync(`packages/${name}/package.json`) && !(name in layers))
  : [];
if (unlistedPackages.length > 0) {
  throw new Error(`Give ${unlistedPackages.join(', ')} a place among the layers in .dependency-cruiser.mjs.`);
}

const layerRules = Object.entries(layers).map(([name, allowed]) => ({
  name: `layer-of-${name}`,
  comment: `${name} may import ${allowed.length === 0 ? 'no other package' : allowed.join(', ')}.`,
  severity: 'error',
  from: { path: `^packages/${name}/src/` },
  to: { path: `^(apps|packages/(?!(${[name, ...allowed].join('|')})/))` },
}));

export default {
  forbidden: [
    ...layerRules,
    {
      name: 'apps-stand-alone',
      comment: 'Apps share code through packages, not with each other.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'public-entry-only',
      comment: 'Other packages are imported by name, through their exports.',
      severity: 'error',
      from: { path: '^((?:packages|apps)/[^/]+)/' },
      to: { path: '^(packages|apps)/[^/]+/(src|test)/', pathNot: '^$1/' },
    },
    {
      name: 'testing-for-tests-only',
      comment: 'Only tests and the private apps have what tests share.',
      severity: 'error',
      from: { path: '^packages/(?!testing/)[^/]+/src/' },
      to: { path: '^packages/testing/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-folder-cycles',
      comment: 'Folders inside a package depend on each other in one direction.',
      scope: 'folder',
      severity: 'error',
      from: { path: '^(packages|apps)/[^/]+/src/' },
      to: { circular: true },
    },
    {
      name: 'portable',
      comment: 'Packages run in browsers too; what needs Node lives in a file marked for it.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: forNode },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'resolvable',
      comment: 'Not there, or a package of this workspace that package.json does not declare.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      comment: 'In the package.json of the package itself. Tests also have the test tools of the root.',
      severity: 'error',
      from: { path: '^(packages|apps)/[^/]+/src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer'] },
    },
    {
      name: 'installed-with-the-package',
      comment: 'Sources may not import devDependencies: who installs the package does not get them.',
      severity: 'error',
      from: { path: '^(packages|apps)/[^/]+/src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm-peer', 'type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: '/[.]readme-blocks/' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
