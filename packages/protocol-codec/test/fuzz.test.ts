import { playTargets } from '@sotto/testing/fuzz/play';
import protocolMessage from './fuzz/protocol-message.js';

playTargets(import.meta.url, { 'protocol-message': protocolMessage });
