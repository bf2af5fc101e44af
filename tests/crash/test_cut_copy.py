"""A first copy that is cut off: what was complete is kept, what was not is copied again."""

import subprocess

import pytest

from harness import compare
from harness.waiting import until

SMALL, LARGE = "public.small", "public.large"


@pytest.fixture
def source(servers):
    server = servers.postgres()
    server.execute(
        "CREATE TABLE small (id int PRIMARY KEY); INSERT INTO small SELECT generate_series(1, 100);"
        "CREATE TABLE large AS SELECT i AS id, repeat(md5(i::text), 10) AS v"
        " FROM generate_series(1, 30000) i; ALTER TABLE large ADD PRIMARY KEY (id)")
    return server


def state_when_small_is_done(freshet) -> bool:
    states = freshet.states()
    return states.get(SMALL) == "live" and states.get(LARGE) == "copying"


@pytest.mark.parametrize("cut", ["freshet is killed", "freshet is stopped", "the network fails",
                                 "the copy's server process is ended"])
def test_only_the_table_that_was_cut_off_is_copied_again(source, servers, cut):
    link = servers.link(source, bytes_per_second=2_000_000)
    freshet = servers.freshet({"main": link.url()})
    freshet.expects_faults()
    large_read = source.times_copied("large")
    freshet.start()
    until("one table is done and the other is not", lambda: state_when_small_is_done(freshet))
    source.execute("SET enable_seqscan = off;"  # a scan would look like a copy
                   "UPDATE small SET id = id + 1000 WHERE id > 0;"
                   "UPDATE large SET v = 'changed' WHERE id < 1000")
    if cut == "freshet is killed":
        freshet.kill()
    elif cut == "freshet is stopped":
        assert freshet.stop() == 0
    elif cut == "the network fails":
        link.cut()
    else:
        source.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE query LIKE 'COPY%' AND pid <> pg_backend_pid()")
    link.unlimited()
    small_copied = source.times_copied("small")
    if not freshet.running:
        freshet.start()
    freshet.wait_live(SMALL, LARGE, seconds=60)
    freshet.wait_lsn(source)
    assert source.times_copied("small") == small_copied, "a complete table was copied again"
    assert source.times_copied("large") >= large_read + 2
    compare.assert_equal_tables(source, freshet)


def test_changes_of_a_table_during_its_copy_are_applied_after_it(source, servers):
    link = servers.link(source, bytes_per_second=3_000_000)
    freshet = servers.freshet({"main": link.url()}).start()
    until("the large table is copied", lambda: freshet.states().get(LARGE) == "copying")
    source.execute("UPDATE large SET v = 'early' WHERE id % 3 = 0;"
                   "DELETE FROM large WHERE id % 5 = 0;"
                   "INSERT INTO large SELECT i, 'new' FROM generate_series(100001, 100500) i;"
                   "UPDATE large SET id = id + 500000 WHERE id % 7 = 0")
    assert freshet.states()[LARGE] == "copying", "the copy was over before the changes"
    link.unlimited()
    freshet.wait_live(SMALL, LARGE)
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_a_truncate_waits_for_the_copy_and_then_holds(source, servers):
    link = servers.link(source, bytes_per_second=4_000_000)
    freshet = servers.freshet({"main": link.url()}).start()
    until("the large table is copied", lambda: freshet.states().get(LARGE) == "copying")
    # The copy holds ACCESS SHARE: a TRUNCATE that went through would empty the snapshot too.
    truncating = subprocess.Popen(["psql", "-Xqc", "TRUNCATE large", source.url()])
    until("TRUNCATE waits", lambda: source.value(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == 1)
    link.unlimited()
    assert truncating.wait(timeout=60) == 0
    source.execute("INSERT INTO large VALUES (7, 'after')")
    freshet.wait_live(SMALL, LARGE)
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)
