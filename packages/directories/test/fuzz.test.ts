import { playTargets } from '@sotto/testing/fuzz/play';
import directoryAnswer from './fuzz/directory-answer.js';

playTargets(import.meta.url, { 'directory-answer': directoryAnswer });
