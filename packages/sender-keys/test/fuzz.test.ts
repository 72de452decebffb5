import { playTargets } from '@sotto/testing/fuzz/play';
import senderKeyMessage from './fuzz/sender-key-message.js';

playTargets(import.meta.url, { 'sender-key-message': senderKeyMessage });
