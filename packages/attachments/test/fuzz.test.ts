import { playTargets } from '@sotto/testing/fuzz/play';
import attachment from './fuzz/attachment.js';

playTargets(import.meta.url, { attachment });
