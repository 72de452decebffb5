export { DEFAULT_REQUEST_TIMEOUT_MS, MAX_REDIRECTS } from '@sotto/core/http';
export * from './directories.js';
