import { compareBytes } from '@sotto/core';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { decodeProtocolMessage, encodeProtocolMessage } from '../../src/index.js';

export default {
  about: 'protocol messages, as they come out of envelopes',
  seeds: () =>
    loadVectors('protocol-session').cases.flatMap(({ messages }) =>
      messages.map(({ protobuf }) => unhex(protobuf)),
    ),
  run(data) {
    const message = decodeProtocolMessage(data);
    const encoded = encodeProtocolMessage(message);
    const again = encodeProtocolMessage(decodeProtocolMessage(encoded));
    demand(compareBytes(encoded, again) === 0, 'What was decoded and encoded changes when it is once more.');
  },
} satisfies FuzzTarget;
