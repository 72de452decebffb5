import { playTargets } from '@sotto/testing/fuzz/play';
import tripleRatchetSession from './fuzz/triple-ratchet-session.js';
import tripleRatchetState from './fuzz/triple-ratchet-state.js';

playTargets(import.meta.url, {
  'triple-ratchet-session': tripleRatchetSession,
  'triple-ratchet-state': tripleRatchetState,
});
