import { SottoError } from '@sotto/core';
import type { Connections, Statement } from './connections.js';

/** The version of the tables. */
const LAYOUT = 1;
/** The advisory lock under which tables are made: `sotto` in ASCII. */
const MAKING = 0x73_6f_74_74_6f;

const FIND: Statement = {
  name: 'sotto-find-tables',
  text: `SELECT to_regclass('sotto_layout') IS NOT NULL AS found`,
};

const READ_LAYOUT: Statement = { name: 'sotto-read-layout', text: 'SELECT layout FROM sotto_layout' };

/**
 * `sotto_stores`: who has a store, by the lock that this process holds, and its epoch, which each opening raises.
 * `sotto_records`: what the stores keep. No value is compressed: most are ciphertexts.
 *
 * One message, and so one transaction: the tables are made together.
 */
const MAKE = `
  SELECT pg_advisory_xact_lock(${MAKING});
  CREATE TABLE IF NOT EXISTS sotto_stores (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    epoch bigint NOT NULL,
    holder bigint
  ) WITH (fillfactor = 70);
  CREATE TABLE IF NOT EXISTS sotto_records (
    store bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (store, key)
  ) WITH (fillfactor = 90);
  ALTER TABLE sotto_records ALTER COLUMN value SET STORAGE EXTERNAL;
  CREATE TABLE IF NOT EXISTS sotto_layout (layout integer NOT NULL);
  INSERT INTO sotto_layout (layout) SELECT ${LAYOUT} WHERE NOT EXISTS (SELECT FROM sotto_layout);
`;

/**
 * Makes the tables where there are none. A role that may not make any needs them to be there.
 * @throws STORE_SCHEMA_NEWER, STORE_UNAVAILABLE
 */
export async function prepareTables(connections: Connections): Promise<void> {
  const [row] = await connections.read<{ found: string }>(FIND, []);
  if (row?.found !== 't') await connections.script(MAKE);
  const [version] = await connections.read<{ layout: string }>(READ_LAYOUT, []);
  const found = Number(version?.layout);
  if (found > LAYOUT) {
    const details = { found, supported: LAYOUT };
    throw new SottoError('STORE_SCHEMA_NEWER', 'The database was made by newer software.', details);
  }
}
