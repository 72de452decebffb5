export { PostgresServer } from './postgres-server.js';
export { findPostgres } from './programs.js';
