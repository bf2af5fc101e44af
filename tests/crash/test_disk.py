"""A disk that is full, and one that fails to sync: nothing is lost, and nothing is promised falsely."""

import pytest

from harness import compare
from harness.disk import Disk
from harness.waiting import until


@pytest.fixture
def source(servers):
    server = servers.postgres(fsync=True)
    server.execute("CREATE TABLE t (id int PRIMARY KEY, v text);"
                   "INSERT INTO t SELECT i, repeat(md5(i::text), 3) FROM generate_series(1, 20000) i")
    return server


@pytest.fixture
def freshet(servers, source):
    server = servers.freshet(source)
    server.expects_faults()
    server.disk = Disk(server)
    return server


def source_error(freshet) -> str:
    return freshet.value("SELECT last_error FROM freshet.sources")


def test_a_full_disk_is_said_and_waited_for(source, freshet):
    freshet.start().wait_live("public.t")
    freshet.disk.fill(1000)
    source.execute("UPDATE t SET v = v || 'more' WHERE id % 2 = 0; DELETE FROM t WHERE id % 5 = 0")
    until("the disk is said to be full", lambda: "No space left" in source_error(freshet))
    assert freshet.value("SELECT count(*) FROM t") == 20000, "what was there is readable"
    assert freshet.disk.refused_writes > 0
    freshet.disk.make_room()
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_a_copy_that_finds_the_disk_full_is_made_again(source, freshet):
    freshet.start()
    freshet.disk.fill(300_000)
    until("a write is refused", lambda: freshet.disk.refused_writes > 0)
    assert freshet.states()["public.t"] != "failed"
    freshet.disk.make_room()
    freshet.wait_live("public.t")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_what_could_not_be_synced_is_not_confirmed(source, freshet):
    freshet.start().wait_live("public.t")
    freshet.wait_lsn(source)
    stream = freshet.data / "streams" / "main"
    freshet.disk.fail_syncs(1, "/streams/")
    synced = {path: path.stat().st_size for path in stream.glob("*.log")}
    source.execute("UPDATE t SET v = 'after' WHERE id < 100")
    committed = source.lsn()
    until("a sync has failed", lambda: freshet.disk.failed_syncs == 1)
    until("Freshet says so", lambda: "sync" in freshet.log())
    confirmed = source.value(f"SELECT confirmed_flush_lsn < '{committed}' FROM pg_replication_slots"
                             " WHERE NOT temporary")
    assert confirmed, "PostgreSQL was told to forget what may be lost"
    freshet.kill()
    for path, size in synced.items():  # the kernel has dropped what it could not write
        with open(path, "r+b") as file:
            file.truncate(min(size, path.stat().st_size))
    freshet.start().wait_live("public.t")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_a_store_that_could_not_be_synced_ends_the_server(source, freshet):
    freshet.start().wait_live("public.t")
    freshet.wait_lsn(source)
    freshet.disk.fail_syncs(1, "/store/")
    source.execute("UPDATE t SET v = 'after' WHERE id < 100")
    assert freshet.wait_end() == 1
    assert "start again: nothing is lost" in freshet.output()
    source.execute("UPDATE t SET v = 'while away' WHERE id < 50")
    freshet.start().wait_live("public.t")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)
