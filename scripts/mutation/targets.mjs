import process from 'node:process';

/**
 * What mutation testing covers, the fastest first: for each target the sources that are mutated and the tests that run, those of the
 * same package that are fast. `leftOut` are those of them that are not, or that prove something else; `loadedLater` are sources that others
 * import when they need them.
 */
export const targets = [
  {
    name: 'x3dh',
    folder: 'packages/x3dh',
    mutate: 'src/**/*.ts',
    tests: 'test/*.test.ts',
    leftOut: ['test/fuzz.test.ts'], // random input, seconds
  },
  {
    name: 'protocol-codec',
    folder: 'packages/protocol-codec',
    mutate: 'src/**/*.ts',
    tests: 'test/*.test.ts',
    leftOut: [
      'test/fuzz.test.ts', // random input, seconds
      'test/wire-shapes.test.ts', // starts buf, and compares constants
    ],
  },
  {
    name: 'double-ratchet',
    folder: 'packages/double-ratchet',
    mutate: 'src/**/*.ts',
    tests: 'test/*.test.ts',
    leftOut: ['test/fuzz.test.ts'], // random input, seconds
  },
  {
    name: 'triple-ratchet',
    folder: 'packages/triple-ratchet',
    mutate: 'src/**/*.ts',
    tests: 'test/*.test.ts',
    leftOut: [
      'test/exchange-cost.test.ts', // counts messages over hundreds of exchanges
      'test/fuzz.test.ts', // random input, seconds
      'test/session.property.test.ts', // random sessions, some seconds
    ],
  },
  {
    name: 'store-adapters',
    folder: 'packages/store-adapters',
    mutate: 'src/encrypted/*.ts',
    tests:
      'test/{at-rest-encrypted,compliance-encrypted,encrypted,encrypted-details,lock-tree,old-states}.test.ts', // all others are of the stores underneath
    leftOut: [],
  },
  {
    name: 'messenger',
    folder: 'packages/messenger',
    mutate: 'src/groups/*.ts',
    loadedLater: ['src/groups/group-parts.ts'],
    tests:
      'test/{backup,facade,failed-messages,fair-share,fan-out,group-attacks,group-messages,group-rights,groups,member-chains,member-sync,own-chains,partial-logs,rejoined-groups,requests,sender-key-attacks,sender-keys,waiting-messages}.test.ts', // those in which there are groups
    leftOut: [],
  },
  {
    name: 'device',
    folder: 'packages/device',
    mutate: 'src/**/*.ts',
    tests: 'test/*.test.ts',
    leftOut: [
      'test/fuzz.test.ts', // random input, seconds
      'test/model.property.test.ts', // a model of many devices, a minute
    ],
  },
  {
    name: 'group-log',
    folder: 'packages/group-log',
    mutate: 'src/**/*.ts',
    tests: 'test/*.test.ts',
    leftOut: [
      'test/author-caps.test.ts', // thousands of changes, some seconds
      'test/fuzz.test.ts', // random input, seconds
      'test/model.test.ts', // 20,000 random steps, half a minute
    ],
  },
  {
    name: 'sender-keys',
    folder: 'packages/sender-keys',
    mutate: 'src/**/*.ts',
    tests: 'test/*.test.ts',
    leftOut: [
      'test/fuzz.test.ts', // random input, seconds
      'test/model.test.ts', // random steps, seconds
    ],
  },
];

/** The target that a process of Stryker or Vitest was started for. By default the first: tools read their configurations, too. */
export function currentTarget() {
  const name = process.env['SOTTO_MUTATION'];
  return targets.find((one) => one.name === name) ?? targets[0];
}
