import { playTargets } from '@sotto/testing/fuzz/play';
import devices from './fuzz/devices.js';
import sealedMessage from './fuzz/sealed-message.js';
import storedRecord from './fuzz/stored-record.js';

playTargets(import.meta.url, { devices, 'sealed-message': sealedMessage, 'stored-record': storedRecord });
