import { compareBytes } from '@sotto/core';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { decodeEnvelope, encodeEnvelope, peekTopic } from '../../src/whisper.js';

export default {
  about: 'envelopes',
  seeds: () => loadVectors('whisper-envelope').cases.map(({ rlp }) => unhex(rlp)),
  run(data) {
    const envelope = decodeEnvelope(data);
    demand(compareBytes(encodeEnvelope(envelope), data) === 0, 'An envelope has two encodings.');
    const topic = peekTopic(data);
    demand(topic !== undefined && compareBytes(topic, envelope.topic) === 0, 'The topic is another one.');
  },
} satisfies FuzzTarget;
