import { playTargets } from '@sotto/testing/fuzz/play';
import jsonRpc from './fuzz/json-rpc.js';

playTargets(import.meta.url, { 'json-rpc': jsonRpc });
