import { playTargets } from '@sotto/testing/fuzz/play';
import backup from './fuzz/backup.js';

playTargets(import.meta.url, { backup });
