"""Transactions that are larger than the source's decoding memory: they reach Freshet while they run."""

import pytest

from harness import compare
from harness.waiting import until

ROWS = ("INSERT INTO {table} SELECT i, repeat(md5(i::text), 4)"
        " FROM generate_series({first}, {last}) i")
SPOOLED = "SELECT spool_bytes FROM freshet.sources"


def rows(first: int, last: int, table: str = "big") -> str:
    return ROWS.format(table=table, first=first, last=last)


def start(servers, config: str = "", **settings):
    """A source that sends transactions early, two tables, and Freshet following."""
    source = servers.postgres(logical_decoding_work_mem="64kB", **settings)
    source.execute("CREATE TABLE big (id int PRIMARY KEY, v text);"
                   "CREATE TABLE small (id int PRIMARY KEY, v text); " + rows(1, 1000))
    freshet = servers.freshet({"main": source.url()})
    if config:
        freshet.configure(source.url(), config)
    return source, freshet.start().wait_live("public.big", "public.small")


def wait_spooled(freshet, at_least: int = 1) -> None:
    until("a transaction in progress is spooled", lambda: freshet.value(SPOOLED) >= at_least)


def test_small_commits_are_visible_while_a_large_transaction_is_open(servers):
    source, freshet = start(servers)
    with source.connect(autocommit=False) as large:
        for batch in range(5):
            large.execute(rows(10_001 + batch * 10_000, 20_000 + batch * 10_000))
            source.execute(f"INSERT INTO small VALUES ({batch}, 'while it is open')")
            freshet.wait_lsn(source, seconds=150)
            assert freshet.value("SELECT count(*) FROM small") == batch + 1
            assert freshet.value("SELECT count(*) FROM big") == 1000
        wait_spooled(freshet, 5_000_000)
        large.commit()
    freshet.wait_lsn(source, seconds=150)
    assert freshet.value("SELECT count(*) FROM big") == 51_000
    assert freshet.value(SPOOLED) == 0
    compare.assert_equal_tables(source, freshet)


def test_savepoints_and_whole_transactions_that_are_rolled_back(servers):
    source, freshet = start(servers)
    source.execute("BEGIN; " + rows(2000, 9000) + "; UPDATE big SET v = 'gone'; ROLLBACK")
    source.execute(
        "BEGIN; " + rows(2000, 4000) + "; SAVEPOINT a; " + rows(4001, 6000) +
        "; SAVEPOINT b; DELETE FROM big WHERE id % 3 = 0; ROLLBACK TO b; SAVEPOINT c;"
        " UPDATE big SET v = v || '!' WHERE id % 5 = 0; RELEASE c; ROLLBACK TO a; SAVEPOINT d; " +
        rows(6001, 8000) + "; UPDATE big SET v = v || '?' WHERE id % 7 = 0; RELEASE d; COMMIT")
    source.execute("""DO $$ BEGIN FOR i IN 10000..12000 LOOP BEGIN
        INSERT INTO big VALUES (i, repeat('x', 200));
        IF i % 3 = 0 THEN RAISE EXCEPTION 'never mind'; END IF;
      EXCEPTION WHEN raise_exception THEN NULL; END; END LOOP; END $$""")
    freshet.wait_lsn(source, seconds=150)
    compare.assert_equal_tables(source, freshet)


def test_altering_tables_within(servers):
    source, freshet = start(servers)
    source.execute("BEGIN; " + rows(2000, 4000) + "; SAVEPOINT a; ALTER TABLE big ADD COLUMN never"
                   " int; INSERT INTO big SELECT i, 'x', 1 FROM generate_series(5000, 7000) i;"
                   " ROLLBACK TO a; " + rows(8000, 9000) + "; COMMIT")
    freshet.wait_lsn(source, seconds=150)
    assert freshet.states()["public.big"] == "live"
    compare.assert_equal_tables(source, freshet)
    source.execute("BEGIN; " + rows(20_000, 22_000) + "; ALTER TABLE big ADD COLUMN later int;"
                   "INSERT INTO big SELECT i, 'x', i FROM generate_series(22001, 24000) i;"
                   "TRUNCATE small; COMMIT")
    freshet.wait_lsn(source, seconds=150)
    freshet.wait_live("public.big")
    compare.assert_equal_tables(source, freshet)


@pytest.mark.parametrize("moment", ["open", "committed"])
def test_kill_in_the_middle(servers, moment):
    source, freshet = start(servers)
    with source.connect(autocommit=False) as large:
        large.execute(rows(10_001, 60_000))
        source.execute("INSERT INTO small VALUES (1, 'before')")
        wait_spooled(freshet, 1_000_000)
        if moment == "committed":  # while it is handed over and applied
            large.commit()
        freshet.kill()
        source.execute("INSERT INTO small VALUES (2, 'while Freshet was away')")
        freshet.start()
        if moment == "open":
            large.execute(rows(60_001, 70_000))
            wait_spooled(freshet, 1_000_000)
            source.execute("INSERT INTO small VALUES (3, 'after')")
            freshet.wait_lsn(source, seconds=150)
            assert freshet.value("SELECT count(*) FROM small") == 3
            assert freshet.value("SELECT count(*) FROM big") == 1000
            large.commit()
    freshet.wait_lsn(source, seconds=150)
    compare.assert_equal_tables(source, freshet)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_postgres_restarts_in_the_middle(servers, mode):
    source, freshet = start(servers, fsync=True)
    freshet.expects_log("source interrupted")
    large = source.connect(autocommit=False)
    large.execute(rows(10_001, 40_000))
    source.execute("INSERT INTO small VALUES (1, 'before')")
    wait_spooled(freshet, 1_000_000)
    source.restart(mode)
    source.execute("INSERT INTO small VALUES (2, 'after'); BEGIN; " + rows(50_000, 60_000) +
                   "; COMMIT")
    freshet.wait_lsn(source, seconds=150)
    assert freshet.value(SPOOLED) == 0
    compare.assert_equal_tables(source, freshet)


def test_what_the_server_cannot_send_early_comes_after_its_commit(servers):
    """A fault of all servers since 14, which would end every connection at the same place."""
    source, freshet = start(servers)
    freshet.expects_log("source interrupted.*could not map file")
    source.execute("BEGIN; INSERT INTO small VALUES (0); SAVEPOINT a; TRUNCATE small; " +
                   rows(1, 2000, "small") + "; ROLLBACK TO a; " + rows(3000, 5000, "small") +
                   "; TRUNCATE small; " + rows(1, 10, "small") + "; COMMIT")
    freshet.wait_lsn(source, seconds=150)
    assert "could not map file" in freshet.log()
    compare.assert_equal_tables(source, freshet)


def test_a_transaction_that_arrives_slowly_and_after_its_commit(servers):
    """Unstreamed, over a slow link, while the server tells its position in between."""
    source = servers.postgres()
    source.execute("CREATE TABLE big (id int PRIMARY KEY, v text); CREATE TABLE noise (n int)")
    link = servers.link(source, bytes_per_second=8_000_000)
    freshet = servers.freshet({"main": link.url()}, tables=["public.big"])
    freshet.configure(link.url(), 'tables = ["public.big"]\nstreaming = false')
    freshet.start().wait_live("public.big")
    for batch in range(3):
        for _ in range(40):
            source.execute("INSERT INTO noise VALUES (1)")
        source.execute(rows(1 + batch * 70_000, (batch + 1) * 70_000))
    freshet.wait_lsn(source, seconds=150)
    assert freshet.value(SPOOLED) == 0
    compare.assert_equal_tables(source, freshet, ["public.big"])


def test_stopping_in_the_middle_is_quick(servers):
    source, freshet = start(servers)
    source.execute("BEGIN; " + rows(10_001, 400_000) + "; COMMIT")
    until("it is being applied", lambda: freshet.value(SPOOLED) > 10_000_000)
    assert freshet.stop(seconds=8) == 0
    freshet.start().wait_lsn(source, seconds=150)
    compare.assert_equal_tables(source, freshet)
