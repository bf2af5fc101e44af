"""Traps of logical replication that need a server of an unusual kind, or an unusual statement; the
others have their place beside what they belong to. docs/replication.md lists them all by number."""

import psycopg
import pytest

from harness import compare
from harness.waiting import until

COUNT = "SELECT count(*) FROM {}"


@pytest.fixture(scope="module")
def plain(module_servers):
    """One server and one Freshet for the traps that are only statements."""
    source = module_servers.postgres()
    source.execute("CREATE TABLE anchor (id int PRIMARY KEY)")
    for statement in SETUP:
        source.execute(statement)
    freshet = module_servers.freshet(source).start().wait_live()
    return source, freshet


SETUP = [
    "CREATE TABLE upserts (id int PRIMARY KEY, n int)",
    "CREATE TABLE partial (id int PRIMARY KEY, big text, n int);"
    "ALTER TABLE partial ALTER big SET STORAGE EXTERNAL;"
    "INSERT INTO partial VALUES (1, repeat('a', 9000), 0), (2, repeat('b', 9000), 0)",
    "CREATE TABLE toast_key (k text PRIMARY KEY, n int);"
    "ALTER TABLE toast_key ALTER k SET STORAGE EXTERNAL;"
    "INSERT INTO toast_key SELECT string_agg(md5((s * 100 + i)::text), ''), s"
    " FROM generate_series(1, 3) s, generate_series(1, 80) i GROUP BY s",
    "CREATE TABLE twins (v text, n float8); ALTER TABLE twins REPLICA IDENTITY FULL;"
    "INSERT INTO twins VALUES ('x', 'NaN'), ('x', 'NaN'), (NULL, '-0'), (NULL, '-0'), (NULL, NULL)",
    "CREATE TABLE deferred (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, n int);"
    "INSERT INTO deferred VALUES (1, 1)",
    "CREATE TABLE by_index (id int PRIMARY KEY, other int NOT NULL, n int);"
    "CREATE UNIQUE INDEX by_index_other ON by_index (other);"
    "ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_other;"
    "INSERT INTO by_index SELECT i, 100 + i, 0 FROM generate_series(1, 5) i",
    "CREATE TABLE nothing_sent (id int PRIMARY KEY, n int);"
    "ALTER TABLE nothing_sent REPLICA IDENTITY NOTHING; INSERT INTO nothing_sent VALUES (1, 1)",
    "CREATE TABLE parent (id int PRIMARY KEY, n int); CREATE TABLE child (extra int) INHERITS (parent);"
    "ALTER TABLE child ADD PRIMARY KEY (id); INSERT INTO parent VALUES (1, 1);"
    "INSERT INTO child VALUES (2, 2, 2)",
    "CREATE TABLE savepoints (id int PRIMARY KEY)",
    "CREATE TABLE prepared (id int PRIMARY KEY)",
    "CREATE TABLE a_parent (id int PRIMARY KEY); INSERT INTO a_parent VALUES (1);"
    "CREATE TABLE a_child (id int PRIMARY KEY, parent int REFERENCES a_parent);"
    "INSERT INTO a_child VALUES (1, 1)",
]

STATEMENTS = {
    "upserts": ["INSERT INTO upserts SELECT i, 0 FROM generate_series(1, 50) i",
                "INSERT INTO upserts SELECT i, 1 FROM generate_series(40, 60) i"
                " ON CONFLICT (id) DO UPDATE SET n = upserts.n + 1",
                "INSERT INTO upserts VALUES (1, 9) ON CONFLICT DO NOTHING"],
    "partial": ["UPDATE partial SET n = n + 1", "UPDATE partial SET n = n + 1 WHERE id = 1",
                "BEGIN; UPDATE partial SET n = 7 WHERE id = 2; UPDATE partial SET id = 3 WHERE id = 2;"
                "UPDATE partial SET n = 8 WHERE id = 3; COMMIT",
                "UPDATE partial SET big = repeat('c', 9000) WHERE id = 1",
                "UPDATE partial SET n = n + 1"],
    "toast_key": ["UPDATE toast_key SET n = n + 10",
                  "UPDATE toast_key SET k = k || 'x' WHERE n = 11", "DELETE FROM toast_key WHERE n = 12"],
    "twins": ["DELETE FROM twins WHERE ctid = (SELECT min(ctid) FROM twins WHERE v = 'x')",
              "UPDATE twins SET v = 'zero' WHERE ctid = (SELECT max(ctid) FROM twins WHERE n = 0)",
              "DELETE FROM twins WHERE n IS NULL"],
    "by_index": ["UPDATE by_index SET n = n + 1", "UPDATE by_index SET other = 200 WHERE id = 1",
                 "UPDATE by_index SET id = 50 WHERE id = 2", "DELETE FROM by_index WHERE id = 3"],
    "parent": ["UPDATE parent SET n = n + 10", "DELETE FROM ONLY parent WHERE id = 1",
               "INSERT INTO parent VALUES (7, 7)"],
    "savepoints": ["BEGIN; INSERT INTO savepoints VALUES (1); SAVEPOINT a;"
                   "INSERT INTO savepoints VALUES (2); SAVEPOINT b; INSERT INTO savepoints VALUES (3);"
                   "ROLLBACK TO a; INSERT INTO savepoints VALUES (4); COMMIT",
                   "DO $$ BEGIN FOR i IN 100..2000 LOOP BEGIN INSERT INTO savepoints VALUES (i);"
                   "IF i % 3 = 0 THEN RAISE division_by_zero; END IF;"
                   "EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$"],
    "a_child": ["TRUNCATE a_parent CASCADE", "INSERT INTO a_parent VALUES (5);"
                "INSERT INTO a_child VALUES (6, 5)", "TRUNCATE a_child, a_parent RESTART IDENTITY",
                "INSERT INTO a_parent VALUES (8)"],
}


@pytest.mark.parametrize("table", STATEMENTS)
def test_statements(plain, table):
    source, freshet = plain
    for statement in STATEMENTS[table]:
        source.execute(statement)
        freshet.wait_lsn(source)
        tables = ["parent", "child"] if table == "parent" else [table]
        compare.assert_equal_tables(source, freshet, tables)
    compare.assert_equal_tables(source, freshet, ["anchor", "a_parent"])


@pytest.mark.parametrize("table", ["deferred", "nothing_sent"])
def test_a_key_that_postgres_does_not_send_never_breaks_the_application(plain, table):
    source, freshet = plain
    source.execute(f"UPDATE {table} SET n = 2; INSERT INTO {table} VALUES (2, 2);"
                   f"DELETE FROM {table} WHERE id = 1")
    freshet.wait_lsn(source)
    assert freshet.execute(f"SELECT id, n FROM {table} ORDER BY id") == [(1, 1), (2, 2)]
    note = freshet.value(f"SELECT last_error FROM freshet.tables WHERE name = '{table}'")
    assert "inserts" in note


def test_a_prepared_transaction_appears_when_it_is_committed(servers):
    source = servers.postgres(max_prepared_transactions=5)
    source.execute("CREATE TABLE prepared (id int PRIMARY KEY)")
    freshet = servers.freshet(source).start().wait_live()
    source.execute("BEGIN; INSERT INTO prepared VALUES (1); PREPARE TRANSACTION 'one'")
    source.execute("BEGIN; INSERT INTO prepared VALUES (2); PREPARE TRANSACTION 'two'")
    source.execute("INSERT INTO prepared VALUES (3)")
    freshet.wait_lsn(source)
    assert freshet.execute("SELECT id FROM prepared") == [(3,)]
    source.execute("ROLLBACK PREPARED 'two'")
    source.execute("COMMIT PREPARED 'one'")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_a_latin1_database_arrives_as_utf8(servers):
    source = servers.postgres()
    source.execute("CREATE DATABASE old ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    source.execute("SET client_encoding = 'UTF8'; CREATE TABLE \"straße\" (id int PRIMARY KEY, \"wört\" text);"
                   "INSERT INTO \"straße\" VALUES (1, 'Größe')", "old")
    freshet = servers.freshet({"old": source.url("old")}).start().wait_live()
    source.execute("SET client_encoding = 'UTF8'; INSERT INTO \"straße\" VALUES (2, 'é')", "old")
    freshet.wait_lsn(source)
    assert freshet.execute('SELECT "wört" FROM "straße" ORDER BY id') == [("Größe",), ("é",)]


def test_row_security_is_never_taken_for_the_whole_table(servers):
    source = servers.postgres()
    source.execute("CREATE ROLE follower LOGIN REPLICATION;"
                   "GRANT CREATE ON DATABASE postgres TO follower;"
                   "CREATE TABLE open (id int PRIMARY KEY); ALTER TABLE open OWNER TO follower;"
                   "CREATE TABLE secured (id int PRIMARY KEY); ALTER TABLE secured OWNER TO follower;"
                   "ALTER TABLE secured ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
                   "CREATE POLICY visible ON secured USING (id > 1);"
                   "INSERT INTO open VALUES (1); INSERT INTO secured VALUES (1), (2)")
    freshet = servers.freshet({"main": source.url(user="follower")})
    freshet.expects_log("table failed|secured|row")
    freshet.start().wait_live("public.open")
    freshet.wait_state("public.secured", "failed")
    reason = freshet.value("SELECT last_error FROM freshet.tables WHERE name = 'secured'")
    assert "row" in reason and "security" in reason


def test_a_column_that_may_not_be_read_fails_its_table_alone(servers):
    source = servers.postgres()
    source.execute("CREATE ROLE follower LOGIN REPLICATION; GRANT CREATE ON DATABASE postgres TO follower;"
                   "CREATE TABLE open (id int PRIMARY KEY); ALTER TABLE open OWNER TO follower;"
                   "CREATE TABLE partly (id int PRIMARY KEY, secret text); INSERT INTO partly VALUES (1, 's');"
                   "ALTER TABLE partly OWNER TO follower; REVOKE ALL ON partly FROM follower;"
                   "GRANT SELECT (id) ON partly TO follower")
    freshet = servers.freshet({"main": source.url(user="follower")})
    freshet.expects_log("table failed|permission denied")
    freshet.start().wait_live("public.open")
    freshet.wait_state("public.partly", "failed")
    assert "permission denied" in freshet.value(
        "SELECT last_error FROM freshet.tables WHERE name = 'partly'")


def test_commits_that_wait_for_any_standby_are_let_go_by_our_confirmation(servers):
    source = servers.postgres()
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    freshet = servers.freshet(source).start().wait_live()
    source.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
    source.execute("SELECT pg_reload_conf()")
    until("the walsender counts as synchronous",
          lambda: source.value("SELECT bool_and(sync_state = 'sync') FROM pg_stat_replication"))
    with source.connect() as connection:
        connection.execute("SET statement_timeout = '20s'")
        for i in range(20):
            connection.execute(f"INSERT INTO t VALUES ({i})")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)
    source.execute("ALTER SYSTEM RESET synchronous_standby_names")
    source.execute("SELECT pg_reload_conf()")


def test_a_rewrite_of_the_files_changes_no_row(servers):
    source = servers.postgres()
    source.execute("CREATE TABLE t (id int PRIMARY KEY, n int); CREATE INDEX by_n ON t (n);"
                   "INSERT INTO t SELECT i, i FROM generate_series(1, 2000) i")
    freshet = servers.freshet(source).start().wait_live()
    for statement in ("VACUUM FULL t", "CLUSTER t USING by_n", "REINDEX TABLE t", "ANALYZE t"):
        source.execute(statement)
        source.execute("UPDATE t SET n = n + 1 WHERE id % 7 = 0")
        freshet.wait_lsn(source)
        compare.assert_equal_tables(source, freshet)


def test_bytes_that_are_no_text_fail_their_table_alone(servers):
    """SQL_ASCII keeps whatever bytes it was given; asked for UTF-8, its walsender would die at them
    for ever, and every table with it."""
    source = servers.postgres()
    source.execute("CREATE DATABASE raw ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    source.execute("CREATE TABLE copied (id int PRIMARY KEY, word text);"
                   "CREATE TABLE followed (id int PRIMARY KEY, word text);"
                   "CREATE TABLE fine (id int PRIMARY KEY, word text)", "raw")
    insert = b"INSERT INTO %s VALUES (1, '%s')"
    with psycopg.connect(source.url("raw"), autocommit=True, client_encoding="SQL_ASCII") as connection:
        connection.pgconn.exec_(insert % (b"copied", b"bad \xff\xfe bytes"))
        freshet = servers.freshet({"raw": source.url("raw")})
        freshet.expects_log("table failed|could not copy table")
        freshet.start().wait_live("public.fine", "public.followed")
        freshet.wait_state("public.copied", "failed")
        connection.pgconn.exec_(insert % (b"followed", b"bad \xff\xfe bytes"))
        connection.pgconn.exec_(insert % (b"fine", b"Gr\xc3\xb6\xc3\x9fe"))
    freshet.wait_lsn(source)
    assert freshet.execute("SELECT word FROM fine") == [("Größe",)]
    freshet.wait_state("public.followed", "failed")
    for table in ("copied", "followed"):
        reason = freshet.value(f"SELECT last_error FROM freshet.tables WHERE name = '{table}'")
        assert "not UTF-8" in reason and "SQL_ASCII" in reason
