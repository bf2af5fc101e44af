"""The source never loses patience with us, never waits for us, and never keeps WAL for us longer
than it must; and we notice when it has gone silent."""

import threading
import time

import pytest

from harness import compare
from harness.waiting import until


def prepare(server):
    server.execute("CREATE TABLE t (id int PRIMARY KEY, v bytea);"
                   "ALTER TABLE t ALTER v SET STORAGE EXTERNAL;"
                   "INSERT INTO t SELECT i, '\\x00' FROM generate_series(1, 100) i")
    return server


@pytest.fixture
def source(servers):
    return prepare(servers.postgres())


@pytest.fixture
def impatient(servers):
    """A source that ends a walsender after two seconds without a word from the other side."""
    return prepare(servers.postgres(wal_sender_timeout="2s"))


def slot(source, what: str):
    return source.value(f"SELECT {what} FROM pg_replication_slots WHERE slot_name = 'freshet_main'")


def followed_by(source) -> int:
    """The process that sends to us."""
    return until("the slot is in use", lambda: slot(source, "active_pid"))


class Writing:
    """Writes to the source all the time, from a thread of its own."""

    def __init__(self, source, sql: str, database: str = "postgres"):
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(source, sql, database), daemon=True)

    def _run(self, source, sql: str, database: str) -> None:
        try:
            with source.connect(database) as connection:
                while not self._stop.is_set():
                    connection.execute(sql)
        except Exception:  # noqa: BLE001: the server was stopped
            pass

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)


# Patience.

def test_one_value_of_300_mb_arrives_over_a_slow_link(impatient, servers):
    """It takes several times the source's patience to arrive, and is one message."""
    size = 300 << 20
    link = servers.link(impatient, bytes_per_second=60_000_000)
    freshet = servers.freshet({"main": link.url()}).start().wait_live()
    sender = followed_by(impatient)
    impatient.execute(f"INSERT INTO t VALUES (1000, convert_to(repeat('0123456789', {size // 10}),"
                      " 'UTF8')); INSERT INTO t VALUES (1001, '\\x01')")
    freshet.wait_lsn(impatient, seconds=120)
    assert followed_by(impatient) == sender, "the connection was interrupted"
    assert freshet.value("SELECT octet_length(v) FROM t WHERE id = 1000") == size // 10 * 10
    assert freshet.value("SELECT md5(v::text) FROM t WHERE id = 1001")
    assert freshet.value("SELECT count(*) FROM t") == 102


def test_nothing_happens_for_long(impatient, servers):
    freshet = servers.freshet(impatient).start().wait_live()
    sender = followed_by(impatient)
    began = impatient.value("SELECT clock_timestamp()")
    until("three times the patience of the source have passed", lambda: impatient.value(
        f"SELECT clock_timestamp() > '{began}'::timestamptz + interval '6 s'"), every=0.2)
    assert followed_by(impatient) == sender
    impatient.execute("UPDATE t SET v = '\\x02'")
    freshet.wait_lsn(impatient)


def test_a_copy_and_a_large_transaction_are_applied_meanwhile(impatient, servers):
    """Apply is busy for longer than the source's patience."""
    freshet = servers.freshet(impatient).start().wait_live()
    sender = followed_by(impatient)
    impatient.execute("INSERT INTO t SELECT i, decode(md5(i::text), 'hex')"
                      " FROM generate_series(1000, 1000000) i")
    impatient.execute("UPDATE t SET v = '\\x03' WHERE id > 1000")
    freshet.wait_lsn(impatient, seconds=120)
    assert followed_by(impatient) == sender, "the connection was interrupted"
    compare.assert_equal_tables(impatient, freshet)


# WAL.

def test_an_idle_database_lets_go_of_wal(source, servers):
    """All the writing is in another database of the cluster."""
    source.create_database("busy")
    source.execute("CREATE TABLE noise (filler text)", "busy")
    freshet = servers.freshet(source).start().wait_live()
    confirmed, restart = slot(source, "confirmed_flush_lsn"), slot(source, "restart_lsn")
    with Writing(source, "INSERT INTO noise SELECT repeat('x', 1000) FROM generate_series(1, 1000)",
                 "busy"):
        for _ in range(2):
            lsn = source.lsn()
            until("the confirmed position follows",
                  lambda: slot(source, f"confirmed_flush_lsn >= '{lsn}'"))
            source.execute("CHECKPOINT")  # tells which transactions run; else every 15 s
            lsn = source.lsn()
            until("the position that WAL is kept from follows",
                  lambda: slot(source, f"restart_lsn >= '{lsn}'") or source.execute("CHECKPOINT"))
    assert slot(source, f"confirmed_flush_lsn > '{confirmed}' AND restart_lsn > '{restart}'")
    source.execute("UPDATE t SET v = '\\x04'")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_what_is_confirmed_is_durable_here_and_never_goes_back(source, servers):
    freshet = servers.freshet(source).start().wait_live()
    seen = ["0/0"]
    with Writing(source, "UPDATE t SET v = '\\x05'"), freshet.connect() as reader:
        def enough() -> bool:
            confirmed = slot(source, "confirmed_flush_lsn")
            durable = reader.execute("SELECT durable_lsn FROM freshet.sources").fetchone()[0]
            assert source.value(f"SELECT '{seen[-1]}'::pg_lsn <= '{confirmed}'"), "it went back"
            assert source.value(f"SELECT '{confirmed}'::pg_lsn <= '{durable}'"), "it is not durable"
            assert source.value(f"SELECT '{durable}'::pg_lsn <= pg_current_wal_flush_lsn()")
            if confirmed != seen[-1]:
                seen.append(confirmed)
            return len(seen) > 5

        until("the confirmed position has moved five times", enough)


# Shutting down.

@pytest.mark.parametrize("load", [None, "UPDATE t SET v = v || '\\x06' WHERE id <= 20",
                                  "INSERT INTO t SELECT (random() * 1e9)::int, '\\x07'"
                                  " FROM generate_series(1, 1000) ON CONFLICT DO NOTHING"],
                         ids=["idle", "updates", "large inserts"])
def test_the_source_shuts_down_without_waiting_for_us(source, servers, load):
    freshet = servers.freshet(source).start().wait_live()
    freshet.expects_log("source interrupted")
    if load:
        with Writing(source, load):
            lsn = source.lsn()
            until("it is busy", lambda: slot(source, f"confirmed_flush_lsn > '{lsn}'"))
            took = stop_fast(source)
    else:
        took = stop_fast(source)
    assert took < 5, f"{took:.1f} s"
    print(f"a fast shutdown took {took:.2f} s")
    source.start()
    freshet.wait_live()
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def stop_fast(source) -> float:
    began = time.monotonic()
    source.stop("fast")
    return time.monotonic() - began


# Silence.

def test_connections_that_the_network_forgot_are_noticed(impatient, servers):
    link = servers.link(impatient, bytes_per_second=1e12)
    freshet = servers.freshet({"main": link.url()}).start().wait_live()
    sender = followed_by(impatient)
    freshet.expects_faults()
    link.forget()
    impatient.execute("INSERT INTO t VALUES (1000, '\\x08')")
    freshet.wait_lsn(impatient, seconds=60)
    assert followed_by(impatient) != sender
    compare.assert_equal_tables(impatient, freshet)


def test_a_network_that_swallows_everything_is_noticed_and_stopping_does_not_wait_for_it(
        source, servers):
    link = servers.link(source, bytes_per_second=1e12)
    freshet = servers.freshet({"main": link.url()}).start().wait_live()
    freshet.expects_faults()
    link.fall_silent()
    source.execute("INSERT INTO t VALUES (1000, '\\x09')")
    until("the silence is noticed", lambda: freshet.value(
        "SELECT state FROM freshet.sources") == "retrying", seconds=60)
    assert freshet.value("SELECT count(*) FROM t") == 100
    assert freshet.stop(seconds=5) == 0, "it waits for the network"
    freshet.start()
    until("the source does not answer", lambda: "no answer" in freshet.value(
        "SELECT last_error FROM freshet.sources"), seconds=60)
    link.speak()
    freshet.wait_lsn(source, seconds=60)
    compare.assert_equal_tables(source, freshet)


def test_a_source_that_is_away_is_tried_less_and_less_often(source, servers):
    link = servers.link(source, bytes_per_second=1e12)
    freshet = servers.freshet({"main": link.url()}).start().wait_live()
    freshet.expects_log("source interrupted")
    source.stop()
    link.accepted.clear()
    until("it was tried six times", lambda: len(link.accepted) >= 6, seconds=60)
    pauses = [later - earlier for earlier, later in zip(link.accepted, link.accepted[1:])]
    grown = [pause for pause in pauses if pause > 0.2]  # the watch has a connection of its own
    assert max(grown) > 3 and sorted(grown)[len(grown) // 2] > 0.4, pauses
    source.start()
    freshet.wait_lsn(source)
