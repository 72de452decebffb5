import { playTargets } from '@sotto/testing/fuzz/play';
import groupChange from './fuzz/group-change.js';
import groupHistory from './fuzz/group-history.js';

playTargets(import.meta.url, { 'group-change': groupChange, 'group-history': groupHistory });
