/** Where a database is: a URL, or options as the `Client` of `pg` takes them. */
export type PostgresConnection = string | Readonly<Record<string, unknown>>;
