import { playTargets } from '@sotto/testing/fuzz/play';
import verifiedBundle from './fuzz/verified-bundle.js';

playTargets(import.meta.url, { 'verified-bundle': verifiedBundle });
