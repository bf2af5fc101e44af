"""Event triggers on the source tell of altered tables at once, harm nothing there, and go when they are not
wanted."""

import re

import psycopg
import pytest

from harness.waiting import until

TRIGGERS = ("SELECT evtname::text, evtenabled::text FROM pg_event_trigger WHERE evtname LIKE 'freshet%' ORDER BY 1")
THERE = [("freshet_main_ddl", "A"), ("freshet_main_drop", "A"), ("freshet_main_rewrite", "A")]
OURS = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'freshet%'"


@pytest.fixture
def source(servers):
    postgres = servers.postgres(max_prepared_transactions=5)
    postgres.execute("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'v')")
    return postgres


def told(freshet) -> int:
    found = re.search(r"^freshet_source_ddl_told_total (\d+)", freshet.get("/metrics")[1], re.M)
    return int(found[1]) if found else 0


def test_altered_tables_are_told_of_and_temporary_ones_are_not(source, servers):
    freshet = servers.freshet(source).start().wait_live()
    assert source.execute(TRIGGERS) == THERE
    source.execute("CREATE TEMP TABLE scratch (a int); DROP TABLE scratch; CREATE VIEW seen AS SELECT 1;"
                   "INSERT INTO t VALUES (2, 'w')")
    freshet.wait_lsn(source)
    assert told(freshet) == 0
    for number, statement in enumerate(["CREATE TABLE u (id int PRIMARY KEY)", "ALTER TABLE t RENAME v TO w",
                                        "DROP TABLE u"], 1):
        source.execute(statement)
        until(f"{statement} is told", lambda wanted=number: told(freshet) >= wanted, seconds=20)
    until("the new name is there", lambda: freshet.execute("SELECT w FROM t WHERE id = 2") == [("w",)]
          if "w" in columns(freshet) else False)


def columns(freshet) -> list[str]:
    return [name for (name,) in freshet.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 't'")]


@pytest.mark.parametrize("table", ["t", "spread"])
def test_rows_that_were_rewritten_are_never_taken_for_those_of_before(table, source, servers):
    source.execute("CREATE TABLE spread (id int PRIMARY KEY, v text) PARTITION BY HASH (id);"
                   "CREATE TABLE spread_0 PARTITION OF spread FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
                   "CREATE TABLE spread_1 PARTITION OF spread FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
                   "INSERT INTO spread SELECT i, 'v' FROM generate_series(1, 9) i")
    freshet = servers.freshet(source).start().wait_live()
    for number in range(5):
        # Nothing of it is in the stream but the trigger's message: the type is what it was.
        source.execute(f"ALTER TABLE {table} ALTER v TYPE text USING v || '{number}'")
        freshet.wait_lsn(source)
        state, = [state for name, state in freshet.states().items() if name == f"public.{table}"]
        values = source.execute(f"SELECT DISTINCT v FROM {table}")
        assert state != "live" or freshet.execute(f"SELECT DISTINCT v FROM {table}") == values
        freshet.wait_live()
        freshet.wait_lsn(source)
        assert freshet.execute(f"SELECT DISTINCT v FROM {table}") == values == [("v01234"[:number + 2],)]


def test_a_rewrite_that_was_rolled_back_or_changes_no_value_costs_nothing(source, servers):
    freshet = servers.freshet(source).start().wait_live()
    copied = "SELECT copied_lsn FROM freshet.tables WHERE name = 't' AND state = 'live'"
    before = freshet.value(copied)
    with source.connect() as connection, connection.transaction():
        connection.execute("ALTER TABLE t ALTER v TYPE text USING v || '!'")
        raise psycopg.Rollback
    source.execute("VACUUM FULL t")
    source.execute("INSERT INTO t VALUES (3, 'x')")
    freshet.wait_lsn(source)
    assert freshet.value(copied) == before


def test_what_was_altered_in_a_large_transaction_is_told_when_it_commits(source, servers):
    source.execute("ALTER SYSTEM SET logical_decoding_work_mem = '64kB'")
    source.execute("SELECT pg_reload_conf()")
    freshet = servers.freshet(source).start().wait_live()
    large = "INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series({}, {}) i"
    with source.connect() as connection, connection.transaction():
        connection.execute("CREATE TABLE rolled_back (id int)")
        connection.execute(large.format(10, 5000))
        raise psycopg.Rollback
    with source.connect() as connection, connection.transaction():
        connection.execute("CREATE TABLE kept (id int PRIMARY KEY)")
        connection.execute(large.format(10, 5000))
    freshet.wait_live("public.kept")
    until("it is told", lambda: told(freshet) == 1)
    freshet.wait_lsn(source)
    assert freshet.value("SELECT count(*) FROM t") == 4992


def test_no_command_of_the_application_fails_because_of_them(source, servers):
    servers.freshet(source).start().wait_live()
    source.execute("CREATE ROLE app LOGIN; GRANT CREATE ON SCHEMA public TO app;"
                   "REVOKE EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text) FROM PUBLIC")
    with psycopg.connect(source.url(user="app"), autocommit=True) as app:
        app.execute("CREATE TABLE mine (id int PRIMARY KEY)")
        app.execute("ALTER TABLE mine ADD v text")
        app.execute("CREATE INDEX CONCURRENTLY ON mine (v)")
        app.execute("DROP TABLE mine")
    source.execute("GRANT EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text) TO PUBLIC")
    with source.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("BEGIN; CREATE TABLE pair (id int); PREPARE TRANSACTION 'p'")
        connection.execute("COMMIT PREPARED 'p'")
        connection.execute("DROP TABLE pair; CREATE TABLE pair AS SELECT 1 AS id; SELECT 2 AS id INTO other")
    assert source.value("SELECT count(*) FROM pg_class WHERE relname IN ('pair', 'other')") == 2


def test_they_go_when_they_are_not_wanted_any_more(source, servers):
    freshet = servers.freshet(source).start().wait_live()
    freshet.stop()
    assert source.execute(TRIGGERS) == THERE
    freshet.configure(source.url(), "event_trigger = false")
    freshet.start()
    until("they are gone", lambda: source.execute(TRIGGERS) == [] and source.execute(OURS) == [])
    source.execute("ALTER TABLE t ADD more int DEFAULT 7")
    until("the catalog is asked anyway", lambda: "more" in columns(freshet))
    assert freshet.value("SELECT more FROM t") == 7 and told(freshet) == 0


def test_a_role_that_may_not_make_them_is_not_in_the_way(source, servers):
    source.execute("CREATE ROLE cdc LOGIN REPLICATION; ALTER TABLE t OWNER TO cdc; GRANT CREATE ON DATABASE"
                   " postgres TO cdc")
    freshet = servers.freshet({"main": source.url(user="cdc")}).start().wait_live()
    assert source.execute(TRIGGERS) == [] and source.execute(OURS) == []
    source.execute("ALTER TABLE t ADD more int DEFAULT 7")
    until("the catalog is asked", lambda: "more" in columns(freshet))
    assert "permission denied to create event trigger" not in source.log()


def test_one_that_was_disabled_or_altered_is_made_again(source, servers):
    freshet = servers.freshet(source).start().wait_live()
    freshet.stop()
    source.execute("ALTER EVENT TRIGGER freshet_main_ddl DISABLE")
    freshet.start()
    until("it is made again", lambda: source.execute(TRIGGERS) == THERE)


@pytest.mark.parametrize("version", [13])
def test_servers_that_do_not_send_messages_get_none(version, servers):
    source = servers.postgres(version=version)
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    servers.freshet(source).start().wait_live()
    assert source.execute(TRIGGERS) == [] and source.execute(OURS) == []
