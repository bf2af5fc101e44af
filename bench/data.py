"""The tables of the benchmarks: a ten-column one with realistic columns, and a small one beside it."""

COLUMNS = ("id bigint PRIMARY KEY, account bigint NOT NULL, amount numeric(12,2) NOT NULL,"
           " status text NOT NULL, country text NOT NULL, reference text NOT NULL, note text,"
           " placed timestamptz NOT NULL, items int NOT NULL, score double precision NOT NULL")


def row(identifier: str) -> str:
    """SQL for the values of one row, a function of its id."""
    i = f"({identifier}::bigint)"
    return (f"{i}, {i} * 7919 % 100000, ({i} * 104729 % 1000000) / 100.0,"
            f" (ARRAY['new','paid','shipped','delivered','returned'])[({i} % 5 + 1)::int],"
            f" (ARRAY['de','fr','jp','us','br','in','gb','it'])[({i} * 31 % 8 + 1)::int],"
            f" 'ref-' || md5(({i})::text), 'note ' || {i} * 17,"
            f" timestamptz '2026-01-01 00:00:00Z' + {i} % 20000000 * interval '1 second',"
            f" ({i} * 13 % 9 + 1)::int, ({i} * 48271 % 65537)::float8 / 65537")


def create_orders(source, rows: int, table: str = "orders", database: str = "postgres") -> None:
    source.execute(f"CREATE TABLE {table} ({COLUMNS})", database)
    source.execute(f"INSERT INTO {table} SELECT {row('i')} FROM generate_series(1, {rows}) i",
                   database)
    with source.connect(database) as connection:
        connection.execute(f"VACUUM (FREEZE, ANALYZE) {table}")
        connection.execute("CHECKPOINT")


def create_accounts(source, rows: int = 100000) -> None:
    source.execute("CREATE TABLE accounts (id bigint PRIMARY KEY, segment text, city text);"
                   "INSERT INTO accounts SELECT i, (ARRAY['retail','trade','public'])[i % 3 + 1],"
                   f" 'city ' || i % 500 FROM generate_series(0, {rows - 1}) i")
