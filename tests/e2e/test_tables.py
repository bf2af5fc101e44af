"""Which tables are mirrored, what is said about them, and that one that fails is alone with it."""

import psycopg
import pytest

from harness import compare
from harness.waiting import until


def test_patterns_include_and_exclude(source, servers):
    source.execute("CREATE SCHEMA app; CREATE SCHEMA other;"
                   "CREATE TABLE app.orders (id int PRIMARY KEY);"
                   "CREATE TABLE app.order_log (id int PRIMARY KEY);"
                   "CREATE TABLE app.people (id int PRIMARY KEY);"
                   "CREATE TABLE other.orders (id int PRIMARY KEY);"
                   "CREATE TABLE ordinary (id int PRIMARY KEY)")
    freshet = servers.freshet(source, ["app.*", "ord*", "!app.*_log"]).start()
    freshet.wait_live("app.orders", "app.people", "public.ordinary")
    assert set(freshet.states()) == {"app.orders", "app.people", "public.ordinary"}
    published = source.execute("SELECT schemaname || '.' || tablename FROM pg_publication_tables")
    assert {row[0] for row in published} == set(freshet.states())


def test_every_ordinary_and_partitioned_table_by_default(source, servers):
    source.execute("CREATE TABLE plain (id int PRIMARY KEY);"
                   "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);"
                   "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);"
                   "CREATE VIEW a_view AS SELECT * FROM plain;"
                   "CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM plain;"
                   "CREATE TEMP TABLE temporary (id int)")
    freshet = servers.freshet(source).start().wait_live("public.plain", "public.parts")
    assert set(freshet.states()) == {"public.plain", "public.parts"}


def test_two_sources_side_by_side(servers):
    first, second = servers.postgres("first"), servers.postgres("second")
    first.execute("CREATE TABLE apples (id int PRIMARY KEY); INSERT INTO apples VALUES (1), (2)")
    second.execute("CREATE TABLE pears (id int PRIMARY KEY); INSERT INTO pears VALUES (7)")
    freshet = servers.freshet({"one": first.url(), "two": second.url()}).start()
    freshet.wait_live("public.apples", "public.pears")
    first.execute("INSERT INTO apples VALUES (3)")
    second.execute("DELETE FROM pears; INSERT INTO pears VALUES (8)")
    compare_all = [(first, ["public.apples"]), (second, ["public.pears"])]
    until("both are visible", lambda: freshet.execute(
        "SELECT (SELECT count(*) FROM apples), (SELECT min(id) FROM pears)") == [(3, 8)])
    for server, tables in compare_all:
        compare.assert_equal_tables(server, freshet, tables)
    assert len(freshet.execute("SELECT * FROM freshet.sources WHERE state = 'live'")) == 2

    freshet.expects_log("source interrupted")
    second.stop()
    first.execute("INSERT INTO apples VALUES (4)")
    until("the other source goes on", lambda: freshet.value("SELECT count(*) FROM apples") == 4)
    assert freshet.value("SELECT count(*) FROM pears") == 1
    second.start()


def test_a_name_that_another_source_has_fails_alone(servers):
    first, second = servers.postgres("first"), servers.postgres("second")
    first.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    freshet = servers.freshet({"one": first.url()}).start().wait_live("public.t")
    freshet.stop()
    second.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (2), (3);"
                   "CREATE TABLE fine (id int PRIMARY KEY); INSERT INTO fine VALUES (4)")
    freshet.sources["two"] = second.url()
    freshet.expects_log("table failed.*public.t")
    freshet.start().wait_live("public.fine")

    def clash():
        rows = freshet.execute("SELECT state, last_error FROM freshet.tables"
                               " WHERE source = 'two' AND name = 't'")
        return rows and rows[0][0] == "failed" and rows[0][1]

    assert "public.t" in until("the second t has failed", clash)
    assert freshet.execute("SELECT id FROM t") == [(1,)]
    assert freshet.execute("SELECT id FROM fine") == [(4,)]


FAILING = [
    ("copied", "INSERT INTO bad VALUES (2, E'\\xff')", ""),
    ("streamed", "", "INSERT INTO bad VALUES (2, E'\\xff')"),
]


@pytest.mark.parametrize("when, before, after", FAILING, ids=[row[0] for row in FAILING])
def test_a_value_that_cannot_be_held_fails_its_table_alone(source, servers, when, before, after):
    source.create_raw_database("raw")
    source.execute("CREATE TABLE bad (id int PRIMARY KEY, t text);"
                   "CREATE TABLE good (id int PRIMARY KEY, v int);"
                   f"INSERT INTO bad VALUES (1, 'x'); INSERT INTO good VALUES (1, 0); {before}", "raw")
    freshet = servers.freshet({"main": source.url("raw")})
    freshet.expects_log("public.bad")
    freshet.start().wait_live("public.good")
    source.execute(f"BEGIN; UPDATE good SET v = 1; {after}; COMMIT", "raw")
    freshet.wait_state("public.bad", "failed")
    source.execute("UPDATE good SET v = v + 1; INSERT INTO good VALUES (2, 2)", "raw")
    freshet.wait_lsn(source)
    assert freshet.execute("SELECT * FROM good ORDER BY id") == [(1, 2), (2, 2)]
    reason = freshet.value("SELECT last_error FROM freshet.tables WHERE name = 'bad'")
    assert "not UTF-8" in reason
    assert freshet.get("/health/ready")[0] == 503
    assert "public.bad" in freshet.get("/health/ready")[1]
    freshet.stop()
    freshet.start().wait_live("public.good")
    assert freshet.states()["public.bad"] == "failed"


def test_tables_without_a_key_mirror_inserts_and_never_break_the_application(source, servers):
    source.execute("CREATE TABLE events (kind text, n int);"
                   "INSERT INTO events VALUES ('a', 1), ('a', 1)")
    freshet = servers.freshet(source).start().wait_live("public.events")
    # PostgreSQL refuses these on a table that is published for updates without an identity.
    source.execute("UPDATE events SET n = 2 WHERE kind = 'a'; DELETE FROM events WHERE n = 3;"
                   "INSERT INTO events VALUES ('b', 3)")
    freshet.wait_lsn(source)
    assert sorted(freshet.execute("SELECT kind, n FROM events")) == [("a", 1), ("a", 1), ("b", 3)]
    state, note = freshet.execute("SELECT state, last_error FROM freshet.tables")[0]
    assert state == "live"
    assert "insert" in note.lower()
    source.execute("TRUNCATE events; INSERT INTO events VALUES ('c', 1)")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_a_table_that_is_still_copied_says_so(source, servers):
    source.execute("CREATE TABLE big AS SELECT i AS id, repeat('x', 300) AS v"
                   " FROM generate_series(1, 400000) i; ALTER TABLE big ADD PRIMARY KEY (id)")
    freshet = servers.freshet(source).start()
    count, refusals = None, 0
    with freshet.connect() as reader:
        while count is None:
            known = "public.big" in freshet.states()
            try:
                count = reader.execute("SELECT count(*) FROM big").fetchone()[0]
            except psycopg.errors.ObjectNotInPrerequisiteState as early:
                assert "public.big" in str(early)
                refusals += 1
            except psycopg.errors.UndefinedTable:
                assert not known  # only before the source was looked at for the first time
    assert refusals > 0
    assert count == 400000  # never a part of it


def test_state_rows_and_positions_are_shown(source, servers):
    source.execute("CREATE TABLE t (id int PRIMARY KEY);"
                   "INSERT INTO t SELECT generate_series(1, 1000)")
    freshet = servers.freshet(source).start().wait_live("public.t")
    source.execute("DELETE FROM t WHERE id <= 100; UPDATE t SET id = id + 5000 WHERE id <= 150")
    lsn = freshet.wait_lsn(source)
    columns = ("source, schema, name, state, rows, dead_rows, applied_lsn, lag_ms, lag_bytes,"
               " last_error")

    def shown():
        row = freshet.execute(f"SELECT {columns} FROM freshet.tables")[0]
        return row[4] == 900 and row

    row = until("the counts follow", shown)
    assert row[:4] == ("main", "public", "t", "live")
    assert row[5] == 150
    assert source.value(f"SELECT '{row[6]}'::pg_lsn >= '{lsn}'::pg_lsn")
    assert row[7] is None or row[7] >= 0
    assert freshet.execute("SELECT * FROM freshet.progress") == []
    source_row = freshet.execute("SELECT name, state FROM freshet.sources")
    assert source_row == [("main", "live")]
