import { playTargets } from '@sotto/testing/fuzz/play';
import devices from './fuzz/devices.js';
import storedRecord from './fuzz/stored-record.js';

playTargets(import.meta.url, { devices, 'stored-record': storedRecord });
