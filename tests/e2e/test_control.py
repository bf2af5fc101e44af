"""Collections that are paused, resumed and copied again by SQL, while the others go on."""

import re

import psycopg
import pytest

from harness import compare, pgbench
from harness.waiting import until

ACCOUNTS = "public.pgbench_accounts"
OTHERS = [table for table in pgbench.TABLES if table != ACCOUNTS]

SUMS_OF_TWO = ("SELECT (SELECT sum(abalance) FROM pgbench_accounts),"
               " (SELECT sum(tbalance) FROM pgbench_tellers)")


@pytest.fixture
def two_tables(source):
    source.execute("CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE b (LIKE a INCLUDING ALL);"
                   "INSERT INTO a SELECT i, 0 FROM generate_series(1, 1000) i;"
                   "INSERT INTO b SELECT * FROM a")
    return source


@pytest.fixture
def bank(source):
    pgbench.initialize(source, scale=2)
    return source


def frozen_or_equal(freshet, frozen, seen: list):
    """Reads both sums: the paused table's is what it was, or both are equal."""
    accounts, tellers = freshet.execute(SUMS_OF_TWO)[0]
    assert accounts in (frozen, tellers), f"half of a catch-up: {accounts}, frozen {frozen}, {tellers}"
    seen.append(accounts == frozen)


def test_a_paused_collection_keeps_its_rows_and_the_others_go_on(two_tables, servers):
    source = two_tables
    freshet = servers.freshet(source).start().wait_live()
    freshet.execute("ALTER COLLECTION a PAUSE")
    assert freshet.states() == {"public.a": "paused", "public.b": "live"}
    source.execute("UPDATE a SET v = 1; DELETE FROM a WHERE id <= 10; INSERT INTO a VALUES (5000, 7);"
                   "UPDATE b SET v = 1")
    freshet.wait_lsn(source)
    assert freshet.execute("SELECT count(*), sum(v), max(id) FROM a") == [(1000, 0, 1000)]
    compare.assert_equal_tables(source, freshet, ["public.b"])
    assert freshet.get("/health/ready")[0] == 503
    freshet.execute("ALTER COLLECTION public.a RESUME")
    freshet.wait_live()
    compare.assert_equal_tables(source, freshet)
    source.execute("UPDATE a SET id = id + 10000")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_a_truncate_and_new_rows_wait_for_resume(two_tables, servers):
    source = two_tables
    freshet = servers.freshet(source).start().wait_live()
    freshet.execute("ALTER COLLECTION a PAUSE")
    source.execute("INSERT INTO a VALUES (2000, 1); TRUNCATE a; INSERT INTO a VALUES (1, 1), (2, 2);"
                   "TRUNCATE a; INSERT INTO a SELECT i, i FROM generate_series(1, 500) i")
    freshet.wait_lsn(source)
    assert freshet.value("SELECT count(*) FROM a") == 1000
    freshet.execute("ALTER COLLECTION a RESUME")
    freshet.wait_live()
    compare.assert_equal_tables(source, freshet)
    freshet.stop()
    freshet.start().wait_live()
    compare.assert_equal_tables(source, freshet)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_pause_survives_a_restart(two_tables, servers, end):
    source = two_tables
    freshet = servers.freshet(source).start().wait_live()
    freshet.execute("ALTER COLLECTION a PAUSE")
    source.execute("UPDATE a SET v = 1 WHERE id % 2 = 0")
    getattr(freshet, end)()
    source.execute("UPDATE a SET v = v + 1; INSERT INTO b VALUES (2000, 1)")
    freshet.start().wait_live("public.b")
    freshet.wait_lsn(source)
    assert freshet.states()["public.a"] == "paused"
    assert freshet.execute("SELECT count(*), sum(v) FROM a") == [(1000, 0)]
    freshet.execute("ALTER COLLECTION a RESUME")
    getattr(freshet, end)()
    freshet.start().wait_live()
    compare.assert_equal_tables(source, freshet)


def test_pausing_works_while_the_source_is_away(two_tables, servers):
    source = two_tables
    freshet = servers.freshet(source)
    freshet.expects_log("source interrupted")
    freshet.start().wait_live()
    source.stop()
    until("the loss is noticed", lambda: freshet.value(
        "SELECT state FROM freshet.sources") == "retrying")
    freshet.execute("ALTER COLLECTION a PAUSE")
    assert freshet.states()["public.a"] == "paused"
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="not connected"):
        freshet.execute("ALTER SOURCE main DROP TABLE b")
    source.start()
    source.execute("UPDATE a SET v = 1; UPDATE b SET v = 1")
    until("the other goes on", lambda: freshet.value("SELECT sum(v) FROM b") == 1000)
    assert freshet.value("SELECT sum(v) FROM a") == 0
    freshet.execute("ALTER COLLECTION a RESUME")
    freshet.wait_live()
    compare.assert_equal_tables(source, freshet)


def test_pausing_and_resuming_during_heavy_writes(bank, servers):
    freshet = servers.freshet(bank).start().wait_live(*pgbench.TABLES)
    writer = pgbench.Writer(bank)
    for _ in range(3):
        pgbench.wait_committed(bank, 200)
        freshet.execute("ALTER COLLECTION pgbench_accounts PAUSE")
        frozen = freshet.value("SELECT sum(abalance) FROM pgbench_accounts")
        pgbench.wait_committed(bank, 500)
        freshet.wait_lsn(bank)
        assert freshet.value("SELECT sum(abalance) FROM pgbench_accounts") == frozen
        assert freshet.states()[ACCOUNTS] == "paused"
        freshet.execute("ALTER COLLECTION pgbench_accounts RESUME")
        seen: list = []
        while freshet.states()[ACCOUNTS] != "live":
            frozen_or_equal(freshet, frozen, seen)
        accounts, tellers = freshet.execute(SUMS_OF_TWO)[0]
        assert accounts == tellers
    writer.stop()
    freshet.wait_lsn(bank)
    compare.assert_equal_tables(bank, freshet)


def test_killed_while_resuming_it_shows_the_pause_or_everything(bank, servers):
    freshet = servers.freshet(bank)
    freshet.expects_faults()
    freshet.start().wait_live(*pgbench.TABLES)
    frozen = freshet.value("SELECT sum(abalance) FROM pgbench_accounts")
    freshet.execute("ALTER COLLECTION pgbench_accounts PAUSE")
    writer = pgbench.Writer(bank, clients=8)
    pgbench.wait_committed(bank, 3000)
    seen: list = []
    for _ in range(4):
        freshet.execute("ALTER COLLECTION pgbench_accounts RESUME")
        freshet.kill()
        freshet.start()
        frozen_or_equal(freshet, frozen, seen)
    freshet.wait_live(*pgbench.TABLES)
    writer.stop()
    freshet.wait_lsn(bank)
    compare.assert_equal_tables(bank, freshet)


def times_copied(freshet, table: str) -> int:
    """How often a copy of the table was complete."""
    return len(re.findall(rf"table copied .*public\.{table}\b", freshet.log()))


def test_a_resync_under_writes_is_never_seen(bank, servers):
    freshet = servers.freshet(bank).start().wait_live(*pgbench.TABLES)
    reader = pgbench.InvariantReader(freshet)
    writer = pgbench.Writer(bank, clients=4)
    for table in ["pgbench_accounts", "pgbench_branches", "pgbench_accounts"]:
        copied = times_copied(freshet, table)
        pgbench.wait_committed(bank, 200)
        freshet.execute(f"ALTER COLLECTION {table} RESYNC")
        assert freshet.states()[f"public.{table}"] == "live"
        until("it is copied again", lambda: times_copied(freshet, table) > copied)
        until("the copy is done", lambda: not freshet.execute("SELECT * FROM freshet.progress"))
    writer.stop()
    freshet.wait_lsn(bank)
    assert reader.stop() > 20
    compare.assert_equal_tables(bank, freshet)


def test_a_resync_is_the_way_out_of_failed(source, servers):
    source.create_raw_database("raw")
    source.execute("CREATE TABLE bad (id int PRIMARY KEY, t text); INSERT INTO bad VALUES (1, 'x')", "raw")
    freshet = servers.freshet({"main": source.url("raw")})
    freshet.expects_log("public.bad")
    freshet.start().wait_live()
    source.execute("INSERT INTO bad VALUES (2, E'\\xff')", "raw")
    freshet.wait_state("public.bad", "failed")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="failed"):
        freshet.execute("ALTER COLLECTION bad PAUSE")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="failed") as refused:
        freshet.execute("ALTER COLLECTION bad RESUME")
    assert "RESYNC" in refused.value.diag.message_hint
    assert freshet.execute("SELECT id FROM bad") == [(1,)]
    source.execute("UPDATE bad SET t = 'y' WHERE id = 2", "raw")
    freshet.execute("ALTER COLLECTION bad RESYNC")
    freshet.wait_live()
    assert freshet.execute("SELECT * FROM bad ORDER BY id") == [(1, "x"), (2, "y")]


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_resync_goes_on_after_a_restart(bank, servers, end):
    link = servers.link(bank, bytes_per_second=3_000_000)
    freshet = servers.freshet({"main": link.url()})
    freshet.expects_faults()
    link.unlimited()
    freshet.start().wait_live(*pgbench.TABLES)
    link.limit(2_000_000)
    copied = times_copied(freshet, "pgbench_accounts")
    freshet.execute("ALTER COLLECTION pgbench_accounts RESYNC")
    until("it is copied", lambda: freshet.execute(
        "SELECT 1 FROM freshet.progress WHERE phase = 'copying'"))
    getattr(freshet, end)()
    link.unlimited()
    reader = None
    freshet.start()
    reader = pgbench.InvariantReader(freshet)
    reader.wait_reads(1)
    until("it is copied again", lambda: times_copied(freshet, "pgbench_accounts") > copied)
    until("the copy is done", lambda: not freshet.execute("SELECT * FROM freshet.progress"))
    freshet.wait_lsn(bank)
    assert reader.stop() >= 1
    compare.assert_equal_tables(bank, freshet)


def test_a_paused_collection_can_be_copied_again(two_tables, servers):
    source = two_tables
    freshet = servers.freshet(source).start().wait_live()
    freshet.execute("ALTER COLLECTION a PAUSE")
    source.execute("UPDATE a SET v = 5")
    freshet.execute("ALTER COLLECTION a RESYNC")
    freshet.wait_live()
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


REFUSED = [
    ("ALTER COLLECTION nothing PAUSE", "42P01", 18),
    ("ALTER COLLECTION app.a PAUSE", "42P01", 18),
    ("ALTER COLLECTION a STOP", "42601", 20),
    ("ALTER COLLECTION", "42601", None),
    ("ALTER SOURCE nothing ADD TABLE a", "42704", 14),
    ("ALTER SOURCE main ADD a", "42601", 23),
    ("ALTER TABLE a ADD COLUMN x int", "25006", None),
]


@pytest.mark.parametrize("prepare", [False, True], ids=["simple", "extended"])
def test_what_is_wrong_is_said(two_tables, servers, prepare):
    freshet = servers.freshet(two_tables).start().wait_live()
    with freshet.connect() as client:
        for sql, sqlstate, position in REFUSED:
            with pytest.raises(psycopg.Error) as refused:
                client.execute(sql, prepare=prepare)
            assert refused.value.sqlstate == sqlstate, sql
            if position:
                assert refused.value.diag.statement_position == str(position), sql
                assert refused.value.diag.message_hint, sql
        client.execute("BEGIN")
        with pytest.raises(psycopg.errors.ActiveSqlTransaction):
            client.execute("ALTER COLLECTION a PAUSE", prepare=prepare)
        client.execute("ROLLBACK")
        assert freshet.states()["public.a"] == "live"
        assert client.execute("ALTER COLLECTION a PAUSE", prepare=prepare).statusmessage \
            == "ALTER COLLECTION"
        notices = []
        client.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        client.execute("ALTER COLLECTION a PAUSE", prepare=prepare)
        assert "paused already" in notices[0]
        client.execute("ALTER COLLECTION a RESUME", prepare=prepare)
