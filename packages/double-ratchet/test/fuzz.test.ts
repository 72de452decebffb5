import { playTargets } from '@sotto/testing/fuzz/play';
import ratchetSession from './fuzz/ratchet-session.js';
import ratchetState from './fuzz/ratchet-state.js';

playTargets(import.meta.url, { 'ratchet-session': ratchetSession, 'ratchet-state': ratchetState });
