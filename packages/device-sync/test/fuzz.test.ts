import { playTargets } from '@sotto/testing/fuzz/play';
import syncMessage from './fuzz/sync-message.js';

playTargets(import.meta.url, { 'sync-message': syncMessage });
