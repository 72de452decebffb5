import { playTargets } from '@sotto/testing/fuzz/play';
import statusMessage from './fuzz/status-message.js';
import statusWrapper from './fuzz/status-wrapper.js';

playTargets(import.meta.url, { 'status-message': statusMessage, 'status-wrapper': statusWrapper });
