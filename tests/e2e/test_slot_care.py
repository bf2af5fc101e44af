"""The source keeps no WAL because something behind the stream is slow, and where it has to, it says for
how long it can."""

import time

import pytest

from harness import compare
from harness.disk import Disk
from harness.failpoints import Victim
from harness.waiting import until

MB = 1 << 20
STUCK = "changes.apply.before"


@pytest.fixture
def source(servers):
    """It ends a walsender after a second without a word from the other side."""
    server = servers.postgres(wal_sender_timeout="1s", max_slot_wal_keep_size="20GB")
    server.execute("CREATE TABLE t (id int PRIMARY KEY, v text); ALTER TABLE t ALTER v SET STORAGE"
                   " EXTERNAL; CREATE TABLE other (id int PRIMARY KEY); INSERT INTO t VALUES (0, '')")
    return server


def write(source, megabytes: int) -> None:
    """So much WAL, a megabyte per transaction."""
    with source.connect() as connection:
        for _ in range(megabytes):
            connection.execute("INSERT INTO t SELECT coalesce(max(id), 0) + 1, repeat('0123456789',"
                               f" {MB // 10}) FROM t")


def configured(servers, source, settings: str = "", of_source: str = ""):
    return servers.freshet(source).configure(source.url(), of_source, settings)


def status(freshet, column: str):
    return freshet.value(f"SELECT {column} FROM freshet.sources")


def metric(freshet, name: str) -> float | None:
    found = [line.rpartition(" ")[2] for line in freshet.get("/metrics")[1].splitlines()
             if line.startswith(name + "{")]
    return float(found[0]) if found else None


def slot(source, what: str):
    return source.value(f"SELECT {what} FROM pg_replication_slots WHERE slot_name = 'freshet_main'")


def retained(source) -> int:
    """Bytes of WAL that our slot holds. Nobody but a checkpoint lets go of them within seconds."""
    source.execute("CHECKPOINT")
    return int(slot(source, "pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)"))


def wait_confirmed(source) -> None:
    lsn = source.lsn()
    until("the source was told that we have it",
          lambda: slot(source, f"confirmed_flush_lsn >= '{lsn}'"))


def wait_resting(freshet, reason: str) -> None:
    freshet.expects_log("receiving rests")
    until("receiving rests", lambda: status(freshet, "resting"))
    assert reason in status(freshet, "last_error")
    assert status(freshet, "hint")
    assert metric(freshet, "freshet_source_resting") == 1
    assert freshet.get("/health/ready")[0] == 503
    assert "receiving rests" in freshet.log()


def wait_gone_on(freshet) -> None:
    until("receiving goes on", lambda: not status(freshet, "resting"))
    assert metric(freshet, "freshet_source_resting") == 0


def test_a_stuck_apply_holds_no_wal(source, servers):
    freshet = servers.freshet(source)
    victim = Victim(freshet, [f"{STUCK}:pause"])
    freshet.expects_log("failpoint armed")
    victim.start()
    freshet.wait_live()
    most = 0
    for _ in range(10):
        write(source, 25)
        wait_confirmed(source)
        most = max(most, retained(source))
    victim.wait_paused(STUCK)
    assert freshet.value("SELECT count(*) FROM t") == 1, "nothing was applied"
    print(f"at most {most / MB:.0f} MB of WAL held while 250 MB were written")
    assert most < 100 * MB
    assert status(freshet, "stream_bytes") >= 0
    victim.resume(STUCK)
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_receiving_rests_before_the_disk_is_full(source, servers):
    freshet = configured(servers, source, "disk_free_mb_min = 500")
    disk = Disk(freshet)
    freshet.start().wait_live()
    sender = slot(source, "active_pid")
    disk.fill(550 * MB, tells=True)
    write(source, 120)
    wait_resting(freshet, "free on our disk, less than 500 MB")
    began = source.value("SELECT clock_timestamp()")
    until("three times the patience of the source have passed", lambda: source.value(
        f"SELECT clock_timestamp() > '{began}'::timestamptz + interval '3 s'"), every=0.1)
    assert slot(source, "active_pid") == sender, "the source lost its patience"
    assert disk.refused_writes == 0, "the disk was filled to its end"
    assert retained(source) > 30 * MB, "the source keeps what we cannot take"
    assert status(freshet, "lag_ms") >= 1000
    disk.make_room()
    wait_gone_on(freshet)
    freshet.wait_lsn(source)
    assert slot(source, "active_pid") == sender
    compare.assert_equal_tables(source, freshet)


def test_a_full_stream_rests_until_a_paused_collection_goes_on(source, servers):
    freshet = configured(servers, source, of_source="stream_mb_max = 40").start().wait_live()
    freshet.execute("ALTER COLLECTION t PAUSE")
    write(source, 90)
    wait_resting(freshet, "more than 40 MB wait in the stream")
    assert status(freshet, "stream_bytes") < 80 * MB
    source.execute("INSERT INTO other VALUES (1)")
    assert freshet.value("SELECT count(*) FROM other") == 0
    freshet.execute("ALTER COLLECTION t RESUME")
    freshet.wait_lsn(source)
    wait_gone_on(freshet)
    compare.assert_equal_tables(source, freshet)


def test_a_transaction_larger_than_the_limit_of_the_stream_passes(source, servers):
    freshet = configured(servers, source, of_source="stream_mb_max = 10").start().wait_live()
    source.execute(f"INSERT INTO t SELECT i, repeat('x', {MB}) FROM generate_series(1, 50) i")
    freshet.expects_log("receiving rests")  # after its end, until it is applied
    freshet.wait_lsn(source)
    write(source, 30)
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_a_source_that_shuts_down_does_not_wait_for_a_resting_reader(source, servers):
    freshet = configured(servers, source, of_source="stream_mb_max = 10").start().wait_live()
    freshet.execute("ALTER COLLECTION t PAUSE")
    write(source, 30)
    wait_resting(freshet, "wait in the stream")
    freshet.expects_log("source interrupted")
    began = time.monotonic()
    source.stop("fast")
    assert time.monotonic() - began < 10
    source.start()
    freshet.execute("ALTER COLLECTION t RESUME")
    freshet.wait_live()
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_the_end_of_a_slot_is_foretold(source, servers):
    freshet = servers.freshet(source).start().wait_live()
    write(source, 30)
    until("the rate is known", lambda: (status(freshet, "wal_bytes_per_second") or 0) > MB)
    rate, safe, lost_in, state, hint = freshet.execute(
        "SELECT wal_bytes_per_second, safe_wal_bytes, slot_lost_in_seconds, wal_status, hint"
        " FROM freshet.sources")[0]
    assert state == "reserved" and not hint
    assert 19 << 30 < safe < 21 << 30
    assert lost_in == pytest.approx(safe / rate)
    for name in ("wal_bytes_per_second", "safe_wal_bytes", "slot_lost_in_seconds",
                 "retained_wal_bytes"):
        assert metric(freshet, f"freshet_source_{name}") is not None, name


def test_a_slot_without_a_limit_is_never_lost(servers):
    source = servers.postgres()
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    freshet = servers.freshet(source).start().wait_live()
    until("the source is watched", lambda: status(freshet, "wal_bytes_per_second") is not None)
    assert freshet.execute("SELECT safe_wal_bytes, slot_lost_in_seconds FROM freshet.sources"
                           ) == [(None, None)]
    assert metric(freshet, "freshet_source_slot_lost_in_seconds") is None


def test_what_nobody_needs_is_kept_for_its_time_and_its_size(source, servers):
    freshet = configured(servers, source,
                         of_source="stream_keep_minutes = 60\nstream_keep_mb = 150")
    freshet.start().wait_live()
    stream = freshet.data / "streams" / "main"
    write(source, 140)
    freshet.wait_lsn(source)
    first = min(stream.glob("*.log"))
    until("nothing was removed", lambda: status(freshet, "stream_bytes") > 130 * MB)
    write(source, 100)
    freshet.wait_lsn(source)
    until("the oldest file is gone", lambda: not first.exists())
    until("no more than that is kept",
          lambda: 64 * MB < status(freshet, "stream_bytes") < (150 + 66) * MB)
    freshet.stop()
    freshet.options = []
    freshet.sources = {"main": source.url()}
    freshet.start().wait_live()
    until("without the settings one file stays", lambda: len(list(stream.glob("*.log"))) == 1)
