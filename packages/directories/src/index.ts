export * from './directories.js';
export { DEFAULT_REQUEST_TIMEOUT_MS, MAX_REDIRECTS } from './http.js';
