import { PostgresServer } from '@sotto/testing/postgres';
import type {} from '@sotto/testing/postgres/setup';
import { afterAll, inject } from 'vitest';

/** The folder of PostgreSQL's programs; none when there are none: then the tests are skipped. */
export const programs = inject('postgres');

/** A server for the tests of a file or a suite. It is started when it is first asked for, and closed after them. */
export function sharedServer(): () => Promise<PostgresServer> {
  let server: Promise<PostgresServer> | undefined;
  afterAll(async () => (await server)?.close());
  return () => {
    server ??= PostgresServer.start(programs as string);
    return server;
  };
}
