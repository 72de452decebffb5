import { decodeUtf8, encodeUtf8 } from '@sotto/core';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { loadVectors } from '@sotto/testing/vectors';
import { formatSafetyNumber, parseMnemonic, parseSafetyNumber } from '../../src/index.js';

export default {
  about: 'recovery words and safety numbers as people type them',
  *seeds() {
    for (const { mnemonic } of loadVectors('account').cases) yield encodeUtf8(`w${mnemonic}`);
    yield encodeUtf8(`w${'1. abandon '.repeat(11)}about`);
    yield encodeUtf8(`n${'12345 '.repeat(12)}`);
  },
  run(data) {
    const text = decodeUtf8(data);
    if (text.startsWith('w')) parseMnemonic(text.slice(1));
    else {
      const number = parseSafetyNumber(text.slice(1));
      demand(
        formatSafetyNumber(parseSafetyNumber(formatSafetyNumber(number))) === formatSafetyNumber(number),
        'It changes.',
      );
    }
  },
} satisfies FuzzTarget;
