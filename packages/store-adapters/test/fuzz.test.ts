import { playTargets } from '@sotto/testing/fuzz/play';
import encryptedStore from './fuzz/encrypted-store.js';

playTargets(import.meta.url, { 'encrypted-store': encryptedStore });
