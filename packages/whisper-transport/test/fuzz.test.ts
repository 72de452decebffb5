import { playTargets } from '@sotto/testing/fuzz/play';
import envelope from './fuzz/envelope.js';
import envelopeContent from './fuzz/envelope-content.js';
import relayFrame from './fuzz/relay-frame.js';

playTargets(import.meta.url, { envelope, 'envelope-content': envelopeContent, 'relay-frame': relayFrame });
