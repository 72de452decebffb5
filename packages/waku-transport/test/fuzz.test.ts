import { playTargets } from '@sotto/testing/fuzz/play';
import wakuMessage from './fuzz/waku-message.js';

playTargets(import.meta.url, { 'waku-message': wakuMessage });
