"""A source is begun anew: its tables are copied again in the background, the old rows stay readable
until the new ones take their place at one position."""

import re
import threading

import psycopg
import pytest

from harness import compare
from harness.freshet import Freshet
from harness.postgres import Postgres
from harness.waiting import until

BIG = 30_000


def prepare(server: Postgres) -> Postgres:
    """Two tables that every transaction changes together: both hold the same round."""
    server.execute("CREATE TABLE small (id int PRIMARY KEY, round int);"
                   "INSERT INTO small SELECT i, 0 FROM generate_series(1, 10) i;"
                   "CREATE TABLE big (id int PRIMARY KEY, round int, filler text);"
                   "INSERT INTO big SELECT i, 0, repeat(md5(i::text), 8)"
                   f" FROM generate_series(1, {BIG}) i")
    return server


@pytest.fixture
def source(servers):
    return prepare(servers.postgres())


def change(source, number: int) -> None:
    source.execute(f"BEGIN; UPDATE small SET round = {number};"
                   f"UPDATE big SET round = {number} WHERE id % 100 = 0; COMMIT")


def rounds(freshet) -> tuple[int, int]:
    """The round that each table shows, in one statement."""
    return freshet.execute("SELECT (SELECT max(round) FROM small),"
                           " (SELECT max(round) FROM big)")[0]


def source_row(freshet) -> tuple:
    return freshet.execute("SELECT state, stale, hint FROM freshet.sources")[0]


def lose_slot(source, freshet) -> None:
    """The slot goes while Freshet is stopped, and a round is missed."""
    freshet.stop()
    source.execute("SELECT pg_drop_replication_slot('freshet_main')")
    change(source, 2)


def wait_fresh(freshet, seconds: float = 90) -> None:
    until("the new copies are shown", lambda: not source_row(freshet)[1], seconds)
    freshet.wait_live(seconds=seconds)


class Reads:
    """Reads both tables all the time; notes what was seen, and that it was never half of anything."""

    def __init__(self, freshet: Freshet):
        self.seen: list[tuple[int, int]] = []
        self.wrong: list[tuple[int, int]] = []
        self._freshet = freshet
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                row = rounds(self._freshet)
            except psycopg.OperationalError:
                continue  # it was killed
            self.seen.append(row)
            if row[0] != row[1]:
                self.wrong.append(row)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)


def test_a_lost_slot_is_made_good_by_a_statement(source, servers):
    freshet = servers.freshet(source).start().wait_live()
    change(source, 1)
    freshet.wait_lsn(source)
    lose_slot(source, freshet)
    freshet.expects_log("source stopped.*is gone")
    freshet.start()
    until("the source is stale", lambda: source_row(freshet)[0] == "stale")
    assert rounds(freshet) == (1, 1)
    with freshet.connect() as client:
        assert client.execute("ALTER SOURCE main RESYNC").statusmessage == "ALTER SOURCE"
    wait_fresh(freshet)
    assert rounds(freshet) == (2, 2)
    change(source, 3)
    freshet.wait_lsn(source)
    assert rounds(freshet) == (3, 3)
    assert source_row(freshet) == ("live", False, "")
    assert freshet.get("/health/ready")[0] == 200
    compare.assert_equal_tables(source, freshet)
    assert source.value("SELECT count(*) FROM pg_replication_slots") == 1


def test_old_rows_are_shown_until_all_new_ones_take_their_place_at_once(source, servers):
    link = servers.link(source, bytes_per_second=50_000_000)
    freshet = servers.freshet({"main": link.url()}).start().wait_live()
    change(source, 1)
    freshet.wait_lsn(source)
    lose_slot(source, freshet)
    freshet.expects_log("source stopped.*is gone")
    freshet.start()
    until("the source is stale", lambda: source_row(freshet)[0] == "stale")
    position = freshet.value("SELECT applied_lsn FROM freshet.sources")
    link.limit(2_000_000)
    with Reads(freshet) as reads:
        freshet.execute("ALTER SOURCE main RESYNC")
        until("the small table is copied and the big one is not",
              lambda: freshet.states() == {"public.small": "catching_up", "public.big": "copying"})
        assert source_row(freshet)[1], "it is still stale"
        assert freshet.value("SELECT applied_lsn FROM freshet.sources") == position
        why, = {row[0] for row in freshet.execute("SELECT last_error FROM freshet.tables")}
        assert why.startswith(f"stale: rows as of {position}")
        assert freshet.get("/health/ready")[0] == 503
        for number in range(3, 8):
            change(source, number)
        link.unlimited()
        wait_fresh(freshet)
        freshet.wait_lsn(source)
    assert not reads.wrong, reads.wrong[:5]
    assert (1, 1) in reads.seen and rounds(freshet) == (7, 7)
    compare.assert_equal_tables(source, freshet)


def test_it_survives_kills_at_any_moment(source, servers):
    link = servers.link(source, bytes_per_second=3_000_000)
    freshet = servers.freshet({"main": link.url()})
    freshet.expects_faults()
    link.unlimited()
    freshet.start().wait_live()
    change(source, 1)
    freshet.wait_lsn(source)
    lose_slot(source, freshet)
    freshet.start()
    until("the source is stale", lambda: source_row(freshet)[0] == "stale")
    link.limit(3_000_000)
    freshet.execute("ALTER SOURCE main RESYNC")
    moments = [
        ("at once", lambda: True),
        ("before a row was copied", lambda: set(freshet.states().values()) == {"waiting"}),
        ("while both are copied", lambda: "copying" in freshet.states().values()),
        ("between the two", lambda: freshet.states()["public.small"] == "catching_up"),
        ("between the two, again", lambda: freshet.states()["public.small"] == "catching_up"),
    ]
    for number, (moment, reached) in enumerate(moments, 2):
        until(moment, reached, every=0.001)
        assert source_row(freshet)[1], f"{moment}: stale"
        freshet.kill()
        change(source, number)
        freshet.start()
        assert rounds(freshet) == (1, 1), f"{moment}: the old rows are readable"
    with Reads(freshet) as reads:
        link.unlimited()
        wait_fresh(freshet)
        change(source, 100)
        freshet.wait_lsn(source)
    assert not reads.wrong, reads.wrong[:5]
    assert rounds(freshet) == (100, 100)
    compare.assert_equal_tables(source, freshet)
    assert source.value("SELECT count(*) FROM pg_replication_slots WHERE NOT temporary") == 1


def config_for(freshet, source, on_lost_slot: str):
    """The same source from a settings file."""
    freshet.configure(source.url(), f'on_lost_slot = "{on_lost_slot}"')


def test_it_happens_by_itself_where_that_is_configured(source, servers):
    freshet = servers.freshet({})
    config_for(freshet, source, "resync")
    freshet.start().wait_live()
    change(source, 1)
    freshet.wait_lsn(source)
    lose_slot(source, freshet)
    freshet.expects_log("source interrupted, copying again.*is gone")
    freshet.start()
    wait_fresh(freshet)
    freshet.wait_lsn(source)
    assert rounds(freshet) == (2, 2)
    compare.assert_equal_tables(source, freshet)


def test_it_does_not_happen_by_itself_again_and_again(source, servers):
    """A source that keeps losing its slot is not read from end to end all day."""
    freshet = servers.freshet({})
    config_for(freshet, source, "resync")
    freshet.expects_faults()
    freshet.start().wait_live()

    def times(what: str) -> int:
        return freshet.log().count(what)

    lose_slot(source, freshet)
    freshet.start()
    until("the new rows are shown", lambda: times("new copies take the place") == 1)
    copies = times("table copied")

    def dropped() -> bool:
        try:
            source.execute("SELECT pg_drop_replication_slot('freshet_main')")
            return True
        except psycopg.errors.ObjectInUse:
            source.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots"
                           " WHERE slot_name = 'freshet_main'")
            return False

    until("the slot is dropped", dropped, every=0.002)
    until("the source is stale", lambda: source_row(freshet)[0] == "stale")
    assert times("table copied") == copies
    freshet.execute("ALTER SOURCE main RESYNC")  # whoever asks gets it at once
    until("the new rows are shown", lambda: times("new copies take the place") == 2)
    assert times("table copied") == copies + 2


def test_a_bad_setting_is_refused(source, servers):
    freshet = servers.freshet({})
    config_for(freshet, source, "perhaps")
    assert freshet.spawn().wait_end() == 2
    assert re.search('on_lost_slot is "perhaps".*"stop" or "resync"', freshet.output(), re.S)


def test_a_live_source_can_be_begun_anew(source, servers):
    """Nothing is wrong, somebody wants it: answers stay whole all the way."""
    freshet = servers.freshet(source).start().wait_live()
    change(source, 1)
    freshet.wait_lsn(source)
    with Reads(freshet) as reads:
        for number in range(2, 5):
            freshet.execute("ALTER SOURCE main RESYNC")
            change(source, number)
            wait_fresh(freshet)
        freshet.wait_lsn(source)
    assert not reads.wrong, reads.wrong[:5]
    assert reads.seen == sorted(reads.seen)
    compare.assert_equal_tables(source, freshet)
    assert source.value("SELECT count(*) FROM pg_replication_slots") == 1


def test_another_server_takes_the_place_of_the_first_when_told_to(source, servers):
    freshet = servers.freshet(source).start().wait_live()
    change(source, 1)
    freshet.wait_lsn(source)
    freshet.stop()
    other = prepare(servers.postgres(version=16))
    change(other, 9)
    freshet.sources = {"main": other.url()}
    freshet.expects_log("source stopped.*another PostgreSQL server|source interrupted")
    freshet.start()
    until("the source has failed", lambda: source_row(freshet)[0] == "failed")
    freshet.execute("ALTER SOURCE main RESYNC")
    until("the other server's rows are shown", lambda: rounds(freshet) == (9, 9), seconds=60)
    wait_fresh(freshet)
    freshet.wait_lsn(other)
    compare.assert_equal_tables(other, freshet)


def test_a_damaged_stream_is_made_good(source, servers):
    freshet = servers.freshet(source).start().wait_live()
    change(source, 1)
    freshet.wait_lsn(source)
    freshet.stop()
    for file in (freshet.data / "streams" / "main").glob("*.log"):
        file.unlink()
    freshet.expects_log("source stopped.*ends before what was applied")
    freshet.start()
    until("the source has failed", lambda: source_row(freshet)[0] == "failed")
    assert rounds(freshet) == (1, 1)
    freshet.execute("ALTER SOURCE main RESYNC")
    wait_fresh(freshet)
    change(source, 2)
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_a_slot_that_is_not_ours_is_not_dropped(source, servers):
    freshet = servers.freshet(source).start().wait_live()
    freshet.stop()
    source.execute("SELECT pg_drop_replication_slot('freshet_main')")
    source.execute("SELECT pg_create_logical_replication_slot('freshet_main', 'test_decoding')")
    freshet.expects_log("source stopped.*another program")
    freshet.start()
    until("the source has failed", lambda: source_row(freshet)[0] == "failed")
    freshet.execute("ALTER SOURCE main RESYNC")
    until("it is refused again", lambda: freshet.log().count("source stopped") >= 2)
    assert source.value("SELECT plugin FROM pg_replication_slots"
                        " WHERE slot_name = 'freshet_main'") == "test_decoding"


def test_an_unknown_source_is_refused(source, servers):
    freshet = servers.freshet(source).start().wait_live()
    with freshet.connect() as client:
        with pytest.raises(psycopg.errors.UndefinedObject, match='source "other" does not exist'):
            client.execute("ALTER SOURCE other RESYNC")
        with pytest.raises(psycopg.errors.SyntaxError):
            client.execute("ALTER SOURCE main RESYNC now")
