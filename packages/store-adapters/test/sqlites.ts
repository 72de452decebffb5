import { findLibsql, findNodeSqlite, type SqliteDatabase } from '../src/sqlite.js';

/** The SQLite bindings that there are here: libsql always, since the tests install it; Node's where it has one. */
export const sqlites: readonly { name: string; openDatabase: (path: string) => SqliteDatabase }[] = [
  { name: 'libsql', openDatabase: await findLibsql() },
  { name: 'node:sqlite', openDatabase: await findNodeSqlite() },
].flatMap(({ name, openDatabase }) => (openDatabase ? [{ name, openDatabase }] : []));
