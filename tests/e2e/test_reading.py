"""What a client may do and sees: read-only, waiting for a position, cancelling, errors."""

import threading
import time

import psycopg
import pytest

from harness import processes
from harness.waiting import until

LONG_QUERY = "SELECT count(*) FROM range(100000000000) r WHERE r.range % 7 = 3"


@pytest.fixture(scope="module")
def source(module_servers):
    server = module_servers.postgres()
    server.execute("CREATE TABLE t (id int PRIMARY KEY, v text, price numeric(12,2));"
                   "INSERT INTO t SELECT i, 'v' || i, i FROM generate_series(1, 1000) i")
    return server


@pytest.fixture(scope="module")
def freshet(module_servers, source):
    return module_servers.freshet(source).start().wait_live("public.t")


@pytest.mark.parametrize("statement", [
    "INSERT INTO t VALUES (5000)",
    "UPDATE t SET v = 'x'",
    "DELETE FROM t",
    "TRUNCATE t",
    "CREATE TABLE n (id int)",
    "CREATE VIEW n AS SELECT 1",
    "CREATE TEMP TABLE n (id int)",
    "CREATE SCHEMA n",
    "DROP TABLE t",
    "ALTER TABLE t ADD COLUMN c int",
    "CREATE INDEX i ON t (v)",
    "COPY t FROM STDIN",
    "WITH w AS (SELECT 1) INSERT INTO t SELECT 1",
    "SELECT 1; DELETE FROM t",
    "VACUUM",
    "ATTACH ':memory:' AS other",
    "CHECKPOINT",
])
def test_writing_is_refused_with_25006_and_a_hint(freshet, statement):
    with freshet.connect() as connection:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as refused:
            connection.execute(statement)
        assert refused.value.diag.message_hint
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (1000,)


@pytest.mark.parametrize("statement", [
    "SELECT * FROM _segments.s1",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/hostname')",
    "SELECT * FROM '/etc/passwd'",
    "COPY (SELECT 1) TO '/tmp/freshet-must-not-write-this'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "EXPORT DATABASE '/tmp/freshet-must-not-write-this'",
    "SET enable_external_access = true",
    "PRAGMA enable_external_access = true",
])
def test_what_lies_behind_the_collections_is_out_of_reach(freshet, statement):
    with freshet.connect() as connection:
        with pytest.raises(psycopg.Error):
            connection.execute(statement)
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not processes.Path("/tmp/freshet-must-not-write-this").exists()


@pytest.mark.parametrize("statement, sqlstate", [
    ("SELECT nothing FROM t", "42703"),
    ("SELECT * FROM no_such_table", "42P01"),
    ("SELEC 1", "42601"),
    ("SELECT no_such_function(1)", "42883"),
    ("SELECT 'x'::int", "22P02"),
    ("SET freshet.wait_for_lsn = 'nonsense'", "22023"),
])
def test_errors_have_postgresqls_codes(freshet, statement, sqlstate):
    with freshet.connect() as connection:
        with pytest.raises(psycopg.Error) as error:
            connection.execute(statement)
        assert error.value.sqlstate == sqlstate
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_error_points_at_its_place(freshet):
    with freshet.connect() as connection, pytest.raises(psycopg.Error) as error:
        connection.execute("SELECT id FROM t WHERE nothing = 1")
    assert error.value.diag.statement_position == "24"


def test_an_error_in_a_block_ends_the_block(freshet):
    with freshet.connect(autocommit=False) as connection:
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM no_such_table")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("SELECT 1")
        connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_another_database_is_refused_with_a_hint(freshet):
    with pytest.raises(psycopg.OperationalError, match="freshet") as refused:
        psycopg.connect(freshet.sql_url.replace("/freshet", "/shop"))
    assert "shop" in str(refused.value)


def test_waiting_for_a_position_sees_the_commit(source, freshet):
    with source.connect() as writer, freshet.connect() as reader:
        for i in range(50):
            writer.execute(f"UPDATE t SET price = {i} WHERE id = 7")
            lsn = writer.execute("SELECT pg_current_wal_lsn()::text").fetchone()[0]
            reader.execute(f"SET freshet.wait_for_lsn = '{lsn}'")
            assert reader.execute("SELECT price FROM t WHERE id = 7").fetchone() == (i,)


def test_waiting_ends_after_the_timeout_and_holds_for_one_statement(freshet):
    with freshet.connect() as reader:
        reader.execute("SET freshet.wait_timeout = '300ms'")
        reader.execute("SET freshet.wait_for_lsn = 'FFFF/0'")
        began = time.monotonic()
        with pytest.raises(psycopg.Error) as overdue:
            reader.execute("SELECT count(*) FROM t")
        assert 0.25 < time.monotonic() - began < 5
        assert overdue.value.sqlstate == "55000"
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (1000,)


def cancelled(connection, cancel) -> float:
    """Runs a query that would take minutes, cancels it and tells after how long it ended."""
    canceller = threading.Timer(0.5, cancel)
    canceller.start()
    began = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute(LONG_QUERY)
    canceller.join()
    return time.monotonic() - began


def test_a_long_query_can_be_cancelled(freshet):
    with freshet.connect() as connection:
        assert cancelled(connection, connection.cancel) < 5
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (1000,)


def test_a_wait_for_a_position_can_be_cancelled(freshet):
    with freshet.connect() as connection:
        connection.execute("SET freshet.wait_for_lsn = 'FFFF/0'")
        threading.Timer(0.3, connection.cancel).start()
        began = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT 1")
        assert time.monotonic() - began < 5


def test_statement_timeout_ends_a_query(freshet):
    with freshet.connect() as connection:
        connection.execute("SET statement_timeout = '200ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(LONG_QUERY)
        connection.execute("SET statement_timeout = 0")
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (1000,)


def test_a_client_that_leaves_takes_its_query_with_it(freshet):
    connection = freshet.connect()
    connection.pgconn.send_query(LONG_QUERY.encode())
    connection.pgconn.flush()
    connection.close()
    with open(f"/proc/{freshet.pid}/stat", encoding="ascii") as stat:
        def ticks():
            stat.seek(0)
            fields = stat.read().rsplit(")", 1)[1].split()
            return int(fields[11]) + int(fields[12])

        def is_idle():
            before = ticks()
            threading.Event().wait(0.3)
            return ticks() - before < 5

        until("the server is idle again", is_idle, seconds=15)


def test_many_clients_at_once(freshet):
    connections = [freshet.connect() for _ in range(60)]
    try:
        for connection in connections:
            assert connection.execute("SELECT count(*) FROM t").fetchone() == (1000,)
    finally:
        for connection in connections:
            connection.close()


def test_a_reader_does_not_hold_up_the_changes(source, freshet):
    """A query that runs sees its version; what comes meanwhile is visible to the next."""
    with freshet.connect(autocommit=False) as slow, freshet.connect() as quick:
        before = slow.execute("SELECT v FROM t WHERE id = 9").fetchone()
        source.execute("UPDATE t SET v = 'changed' WHERE id = 9")
        freshet.wait_lsn(source)
        assert quick.execute("SELECT v FROM t WHERE id = 9").fetchone() == ("changed",)
        assert slow.execute("SELECT v FROM t WHERE id = 9").fetchone() == before
        slow.commit()
        assert slow.execute("SELECT v FROM t WHERE id = 9").fetchone() == ("changed",)


def test_a_prepared_statement_knows_of_nulls_that_came_since(source, freshet):
    """The engine plans with what a column holds now; a plan made before must not be used later."""
    question = "SELECT count(price), count(*) FROM t WHERE price IS NOT NULL AND id BETWEEN %s AND 9999"
    plain = question.replace("%s", "1")
    with freshet.connect() as reader:
        assert reader.execute(plain, prepare=True).fetchone() == (1000, 1000)
        assert reader.execute(question, (1,), prepare=True).fetchone() == (1000, 1000)
        source.execute("INSERT INTO t VALUES (7001, NULL, NULL)")
        freshet.wait_lsn(source)
        assert reader.execute(plain, prepare=True).fetchone() == (1000, 1000)
        assert reader.execute(question, (1,), prepare=True).fetchone() == (1000, 1000)
    source.execute("DELETE FROM t WHERE id = 7001")
    freshet.wait_lsn(source)
