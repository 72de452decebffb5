export * from './directories.js';
