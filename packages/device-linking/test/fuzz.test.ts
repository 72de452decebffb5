import { playTargets } from '@sotto/testing/fuzz/play';
import linkMessage from './fuzz/link-message.js';

playTargets(import.meta.url, { 'link-message': linkMessage });
