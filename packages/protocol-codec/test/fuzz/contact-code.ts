import { decodeUtf8, encodeUtf8 } from '@sotto/core';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { loadVectors } from '@sotto/testing/vectors';
import { decodeBundleJson, decodeContactCode, encodeBundleJson, encodeContactCode } from '../../src/index.js';

export default {
  about: 'contact codes and bundles as JSON: any text, or one in base64',
  *seeds() {
    for (const { json } of loadVectors('bundle').cases) {
      yield encodeUtf8(json);
      yield encodeUtf8(encodeContactCode(decodeBundleJson(json)));
    }
  },
  run(data) {
    const text = decodeUtf8(data);
    const bundle = text.startsWith('{') ? decodeBundleJson(text) : decodeContactCode(text);
    const json = encodeBundleJson(bundle);
    demand(json === encodeBundleJson(decodeBundleJson(json)), 'What was decoded and encoded changes.');
  },
} satisfies FuzzTarget;
