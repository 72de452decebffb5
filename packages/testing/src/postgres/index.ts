export { findPostgres } from './programs.js';
export { PostgresServer } from './postgres-server.js';
