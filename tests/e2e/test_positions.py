"""What happened to a source while nobody followed it: what cannot be continued is found out, said,
and never continued in silence. The old rows stay readable."""

import re
import shutil
import signal

import psycopg
import pytest

from harness import compare
from harness.freshet import Freshet
from harness.postgres import Postgres
from harness.waiting import until

ROWS = 100


def prepare(server: Postgres) -> Postgres:
    server.execute("CREATE TABLE t (id int PRIMARY KEY, v text);"
                   f"INSERT INTO t SELECT i, 'v' FROM generate_series(1, {ROWS}) i;"
                   "CREATE TABLE unrelated (id int, filler text)")
    return server


@pytest.fixture
def source(servers):
    return prepare(servers.postgres())


def followed(source, servers) -> Freshet:
    """A server that has followed the table t and was stopped."""
    freshet = servers.freshet(source, ["t"]).start().wait_live()
    source.execute(f"INSERT INTO t VALUES ({ROWS + 1}, 'followed')")
    freshet.wait_lsn(source)
    freshet.stop()
    return freshet


def slot(source, what: str):
    return source.value(f"SELECT {what} FROM pg_replication_slots WHERE slot_name = 'freshet_main'")


def write_wal(source, megabytes: int) -> None:
    """WAL that has nothing to do with t."""
    for _ in range(megabytes):
        source.execute("INSERT INTO unrelated SELECT i, repeat('x', 1000)"
                       " FROM generate_series(1, 1000) i")


def state(freshet) -> tuple:
    return freshet.execute("SELECT state, last_error, hint, stale FROM freshet.sources")[0]


def expect_stale(freshet, message: str, code: str = "55S04", rows: int = ROWS + 1) -> None:
    """The source is stale for this reason; everything that shows it, shows it."""
    until("the source is stale", lambda: state(freshet)[0] == "stale")
    _, error, hint, stale = state(freshet)
    assert re.search(message, error), error
    assert "ALTER SOURCE main RESYNC" in hint
    assert stale
    assert freshet.value("SELECT count(*) FROM t") == rows, "the old rows are readable"
    table, why, position = freshet.execute(
        "SELECT state, last_error, applied_lsn FROM freshet.tables WHERE name = 't'")[0]
    assert table == "failed" and why.startswith(f"stale: rows as of {position}") and error in why
    status, reasons = freshet.get("/health/ready")
    assert status == 503 and "source main is stale" in reasons
    assert 'freshet_source_state{source="main",state="stale"} 1' in freshet.get("/metrics")[1]
    assert re.search(rf"error source stopped .*sqlstate={code}", freshet.log())


def start_stale(freshet, message: str, code: str = "55S04", rows: int = ROWS + 1) -> None:
    freshet.expects_log("source stopped")
    freshet.start()
    expect_stale(freshet, message, code, rows)
    # And it stays so: another start finds the same.
    freshet.stop()
    freshet.start()
    expect_stale(freshet, message, code, rows)


# The slot.

def test_a_slot_that_is_gone(source, servers):
    freshet = followed(source, servers)
    source.execute("SELECT pg_drop_replication_slot('freshet_main'); INSERT INTO t VALUES (1000, 'x')")
    start_stale(freshet, "slot freshet_main is gone", "55S01")


def test_a_slot_that_was_dropped_and_made_again(source, servers):
    freshet = followed(source, servers)
    source.execute("SELECT pg_drop_replication_slot('freshet_main')")
    source.execute("INSERT INTO t VALUES (1000, 'x')")
    source.execute("SELECT pg_create_logical_replication_slot('freshet_main', 'pgoutput')")
    start_stale(freshet, "changes between were skipped", "55S03")


def test_a_slot_that_was_made_again_without_a_change_between(source, servers):
    """Nothing of ours is lost, but nothing can prove it."""
    freshet = followed(source, servers)
    source.execute("SELECT pg_drop_replication_slot('freshet_main')")
    source.execute("SELECT pg_create_logical_replication_slot('freshet_main', 'pgoutput')")
    start_stale(freshet, "changes between were skipped", "55S03")


def test_a_slot_that_was_advanced(source, servers):
    freshet = followed(source, servers)
    source.execute("INSERT INTO t VALUES (1000, 'x')")
    source.execute("SELECT pg_replication_slot_advance('freshet_main', pg_current_wal_lsn())")
    start_stale(freshet, "changes between were skipped", "55S03")


def test_a_slot_that_another_program_read(source, servers):
    freshet = followed(source, servers)
    source.execute("INSERT INTO t VALUES (1000, 'x')")
    read = source.execute("SELECT * FROM pg_logical_slot_get_binary_changes('freshet_main', NULL,"
                          " NULL, 'proto_version', '1', 'publication_names', 'freshet_main')")
    assert len(read) > 2
    start_stale(freshet, "changes between were skipped", "55S03")


def test_a_slot_that_another_program_took_while_we_were_connected(source, servers):
    """Its walsender is ended by somebody, who is faster than our next attempt."""
    freshet = servers.freshet(source, ["t"]).start().wait_live()
    source.execute(f"INSERT INTO t VALUES ({ROWS + 1}, 'followed')")
    freshet.wait_lsn(source)
    freshet.expects_log("source interrupted|source stopped")

    def taken() -> bool:
        """Ends the walsender and reads the slot, until the slot was free for it."""
        with source.connect() as thief:
            thief.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots"
                          " WHERE slot_name = 'freshet_main'")
            thief.execute("INSERT INTO t SELECT max(id) + 1, 'missed' FROM t")
            try:
                thief.execute("SELECT pg_replication_slot_advance('freshet_main',"
                              " pg_current_wal_lsn())")
                return True
            except psycopg.errors.ObjectInUse:
                return False  # too late, or too early

    until("the slot was taken", taken, every=0.005)
    until("the source is stale", lambda: state(freshet)[0] == "stale")
    expect_stale(freshet, "changes between were skipped", "55S03",
                 rows=freshet.value("SELECT count(*) FROM t"))
    assert freshet.value("SELECT max(id) FROM t") < source.value("SELECT max(id) FROM t")


def test_a_slot_of_another_program_under_our_name_is_left_alone(source, servers):
    freshet = followed(source, servers)
    source.execute("SELECT pg_drop_replication_slot('freshet_main')")
    source.execute("SELECT pg_create_logical_replication_slot('freshet_main', 'test_decoding')")
    freshet.expects_log("source stopped.*belongs to another database or another program")
    freshet.start()
    until("the source has failed", lambda: state(freshet)[0] == "failed")
    assert not state(freshet)[3]
    assert slot(source, "plugin") == "test_decoding"
    assert freshet.value("SELECT count(*) FROM t") == ROWS + 1


SMALL_WAL = {"max_slot_wal_keep_size": "16MB", "max_wal_size": "32MB", "min_wal_size": "32MB",
             "wal_keep_size": 0}


def lost(source) -> bool:
    source.execute("CHECKPOINT")
    return slot(source, "wal_status") == "lost"


def test_a_slot_that_lost_wal_while_we_were_away(servers):
    source = prepare(servers.postgres(**SMALL_WAL))
    freshet = followed(source, servers)
    write_wal(source, 80)
    until("the slot has lost WAL", lambda: lost(source))
    start_stale(freshet, "has lost changes", "55S02")


def test_a_slot_that_lost_wal_while_we_were_slow(servers):
    source = prepare(servers.postgres(**SMALL_WAL))
    freshet = servers.freshet(source, ["t"]).start().wait_live()
    source.execute(f"INSERT INTO t VALUES ({ROWS + 1}, 'followed')")
    freshet.wait_lsn(source)
    freshet.expects_log("source interrupted|source stopped")
    freshet.signal(signal.SIGSTOP)
    write_wal(source, 80)
    until("the slot has lost WAL", lambda: lost(source))
    freshet.signal(signal.SIGCONT)
    expect_stale(freshet, "has lost changes", "55S02")


def test_a_slot_that_was_idle_for_too_long(servers):
    source = prepare(servers.postgres(version=18, idle_replication_slot_timeout="1s"))
    freshet = followed(source, servers)
    until("the slot is invalidated", lambda: lost(source))
    start_stale(freshet, "has lost changes", "55S02")
    assert "idle_replication_slot_timeout" in freshet.log()


def test_a_slot_in_use_is_not_idle(servers):
    """A source without a change is followed all the same."""
    source = prepare(servers.postgres(version=18, idle_replication_slot_timeout="1s"))
    freshet = servers.freshet(source, ["t"]).start().wait_live()
    began = source.value("SELECT clock_timestamp()")

    def three_seconds_with_checkpoints() -> bool:
        source.execute("CHECKPOINT")
        return source.value(f"SELECT clock_timestamp() > '{began}'::timestamptz + interval '3 s'")

    until("three seconds are over", three_seconds_with_checkpoints, every=0.2)
    assert slot(source, "wal_status") == "reserved"
    source.execute("INSERT INTO t VALUES (1000, 'x')")
    freshet.wait_lsn(source)


# The server.

def test_a_crash_of_the_source_is_no_break(source, servers):
    """The slot goes back and sends again what is here; it is compared, and nothing comes twice."""
    freshet = servers.freshet(source, ["t"]).start().wait_live()
    freshet.expects_log("source interrupted")
    source.execute("CHECKPOINT")
    for i in range(20):
        source.execute(f"INSERT INTO t VALUES ({1000 + i}, 'x'); UPDATE t SET v = v || 'y'")
    freshet.wait_lsn(source)
    lsn = source.lsn()
    until("everything is confirmed", lambda: slot(source, f"confirmed_flush_lsn >= '{lsn}'"))
    confirmed = slot(source, "confirmed_flush_lsn")
    freshet.stop()
    source.restart("immediate")
    assert slot(source, f"confirmed_flush_lsn < '{confirmed}'::pg_lsn"), "the slot did not go back"
    freshet.start().wait_live()
    source.execute("UPDATE t SET v = v || 'z'")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet, ["t"])
    applied = freshet.value("SELECT applied_lsn FROM freshet.sources")
    assert source.value(f"SELECT '{applied}'::pg_lsn > '{confirmed}'")


def test_a_source_restored_from_a_backup(source, servers):
    freshet = followed(source, servers)
    source.stop()
    backup = source.saved()
    source.start()
    freshet.start()
    source.execute("INSERT INTO t SELECT i, 'lost' FROM generate_series(1000, 2000) i")
    freshet.wait_lsn(source)
    freshet.stop()
    source.stop()
    source.put_back(backup)
    source.start()
    start_stale(freshet, "WAL ends at .* before", rows=ROWS + 1002)


def test_a_source_restored_from_a_backup_and_written_beyond_our_position(source, servers):
    """Same cluster, same timeline, and the positions we know stand for other transactions."""
    freshet = followed(source, servers)
    source.stop()
    backup = source.saved()
    source.start()
    freshet.start()
    source.execute("INSERT INTO t SELECT i, 'lost' FROM generate_series(1000, 2000) i")
    freshet.wait_lsn(source)
    freshet.stop()
    source.stop()
    source.put_back(backup)
    source.start()
    write_wal(source, 10)
    source.execute("INSERT INTO t SELECT i, 'other' FROM generate_series(3000, 3100) i")
    start_stale(freshet, "no longer has the transaction|did not have before", rows=ROWS + 1002)


def test_a_source_restored_from_a_backup_whose_lost_part_was_not_ours(source, servers):
    """Only idle positions were received behind the backup: nothing of ours is lost, but what was
    written instead lies below them and would be skipped."""
    freshet = followed(source, servers)
    source.stop()
    backup = source.saved()
    source.start()
    freshet.start()
    write_wal(source, 10)
    lsn = source.lsn()
    until("the idle position is stored", lambda: slot(source, f"confirmed_flush_lsn >= '{lsn}'"))
    freshet.stop()
    source.stop()
    source.put_back(backup)
    source.start()
    source.execute("INSERT INTO t SELECT i, 'other' FROM generate_series(3000, 3100) i")
    write_wal(source, 40)
    start_stale(freshet, "did not have before")


def test_another_server_behind_the_same_url(source, servers):
    """The URL may be wrong: that is no reason to call the rows stale, or to copy anything."""
    freshet = followed(source, servers)
    source.stop()
    other = prepare(servers.postgres(version=16))
    freshet.sources = {"main": other.url()}
    freshet.expects_log("source stopped.*another PostgreSQL server")
    freshet.start()
    until("the source has failed", lambda: state(freshet)[0] == "failed")
    _, error, hint, stale = state(freshet)
    assert "another PostgreSQL server" in error and "Correct the URL" in hint and not stale
    assert other.value("SELECT count(*) FROM pg_replication_slots") == 0
    assert other.value("SELECT count(*) FROM pg_publication") == 0
    assert freshet.value("SELECT count(*) FROM t") == ROWS + 1


def test_a_data_folder_restored_from_an_older_copy(source, servers):
    freshet = followed(source, servers)
    older = servers.freshet(source, ["t"])
    shutil.copytree(freshet.data, older.data)
    freshet.start()
    source.execute("INSERT INTO t VALUES (1000, 'x')")
    freshet.wait_lsn(source)
    lsn = source.lsn()
    until("it is confirmed", lambda: slot(source, f"confirmed_flush_lsn >= '{lsn}'"))
    freshet.stop()
    start_stale(older, "changes between were skipped", "55S03")
    assert "restored from an older copy" in older.log()
