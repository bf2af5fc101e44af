"""Tables that are added to a source and dropped from it by SQL, while the others stay live."""

import threading

import psycopg
import pytest

from harness import compare, pgbench
from harness.failpoints import Victim
from harness.waiting import until

TABLES = """
CREATE TABLE kept (id int PRIMARY KEY, v int);
INSERT INTO kept SELECT i, 0 FROM generate_series(1, 100) i;
CREATE TABLE late (id int PRIMARY KEY, v text);
INSERT INTO late SELECT i, 'before' FROM generate_series(1, 1000) i;
CREATE TABLE keyless (n int);
CREATE SCHEMA app;
CREATE TABLE app.one (id int PRIMARY KEY); CREATE TABLE app.two (id int PRIMARY KEY);
"""


@pytest.fixture
def source(servers):
    server = servers.postgres()
    server.execute(TABLES)
    return server


@pytest.fixture
def freshet(source, servers):
    return servers.freshet(source, tables=["public.kept"]).start().wait_live("public.kept")


def published(source) -> set[str]:
    rows = source.execute("SELECT pubname || ' ' || schemaname || '.' || tablename"
                          " FROM pg_publication_tables")
    return {row[0] for row in rows}


def test_a_table_is_added_and_goes_live(source, freshet):
    with freshet.connect() as client:
        assert client.execute("ALTER SOURCE main ADD TABLE late").statusmessage == "ALTER SOURCE"
    freshet.wait_live("public.late", "public.kept")
    source.execute("UPDATE late SET v = 'after' WHERE id % 2 = 0; DELETE FROM late WHERE id = 7;"
                   "UPDATE kept SET v = 1")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet, ["late", "kept"])
    assert published(source) == {"freshet_main public.kept", "freshet_main public.late"}


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_what_was_added_and_dropped_survives_a_restart(source, freshet, end):
    freshet.execute("ALTER SOURCE main ADD TABLE late, app.*, public.keyless")
    freshet.execute("ALTER SOURCE main DROP TABLE kept, app.two")
    states = {"public.late", "app.one", "public.keyless"}
    assert set(freshet.states()) == states
    freshet.wait_live()
    getattr(freshet, end)()
    source.execute("INSERT INTO late VALUES (5000, 'meanwhile'); INSERT INTO keyless VALUES (1)")
    freshet.start()
    freshet.wait_live("public.late", "app.one", "public.keyless")
    assert set(freshet.states()) == states
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet, ["late", "app.one", "keyless"])
    assert published(source) == {"freshet_main public.late", "freshet_main app.one",
                                 "freshet_main_inserts public.keyless"}


def test_a_dropped_table_is_gone_and_comes_back_with_what_it_missed(source, freshet):
    freshet.execute("ALTER SOURCE main ADD TABLE late")
    freshet.wait_live()
    freshet.execute("ALTER SOURCE main DROP TABLE public.late")
    with pytest.raises(psycopg.errors.UndefinedTable):
        freshet.execute("SELECT * FROM late")
    assert published(source) == {"freshet_main public.kept"}
    source.execute("UPDATE late SET v = 'in the gap'; DELETE FROM late WHERE id < 100")
    freshet.execute("ALTER SOURCE main ADD TABLE 'public.late'")
    freshet.wait_live()
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet, ["late", "kept"])


def test_the_last_table_can_go_and_another_come(source, freshet):
    freshet.execute("ALTER SOURCE main DROP TABLE kept")
    assert freshet.states() == {}
    freshet.stop()
    freshet.start()
    until("the source is live", lambda: freshet.value("SELECT state FROM freshet.sources") == "live")
    freshet.execute("ALTER SOURCE main ADD TABLE late")
    freshet.wait_live("public.late")
    compare.assert_equal_tables(source, freshet, ["late"])


def wait_for_writer(freshet, process: int) -> None:
    """The progress of the copy says whom it waits for."""
    until("the wait is told", lambda: any(
        phase == "waiting for slot" and f"process {process} " in whom for phase, whom in
        freshet.execute("SELECT phase, waiting_for FROM freshet.progress WHERE name = 'late'")))


def test_what_was_written_before_by_a_transaction_still_open_is_there(source, freshet):
    """Its first row is not in the stream, its second one is: the copy waits for it."""
    with source.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO late VALUES (10001, 'before it is published')")
        freshet.execute("ALTER SOURCE main ADD TABLE late")
        wait_for_writer(freshet, writer.info.backend_pid)
        writer.execute("INSERT INTO late VALUES (10002, 'after it is published')")
        # The others are live meanwhile.
        source.execute("UPDATE kept SET v = 5; INSERT INTO late VALUES (10003, 'beside it')")
        freshet.wait_lsn(source)
        assert freshet.execute("SELECT min(v), max(v) FROM kept") == [(5, 5)]
        assert freshet.states()["public.kept"] == "live"
        assert freshet.states()["public.late"] == "waiting"
        writer.commit()
    source.execute("INSERT INTO late VALUES (10004, 'after it')")
    freshet.wait_live("public.late")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet, ["late", "kept"])


def test_servers_that_forget_what_is_published_are_reminded(servers):
    """An old server decodes the open transaction as of before, and remembers that."""
    source = servers.postgres(version=12)
    source.execute(TABLES)
    freshet = servers.freshet(source, tables=["public.kept"]).start().wait_live("public.kept")
    with source.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO late VALUES (10001, 'before it is published')")
        freshet.execute("ALTER SOURCE main ADD TABLE late")
        wait_for_writer(freshet, writer.info.backend_pid)
        writer.execute("INSERT INTO late VALUES (10002, 'after it is published')")
        writer.commit()
    freshet.wait_live("public.late")
    source.execute("INSERT INTO late VALUES (10003, 'after it'); UPDATE late SET v = 'all'")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet, ["late", "kept"])


class Shadow:
    """Writes to both tables in each transaction, some of them long, until it is stopped."""

    def __init__(self, source):
        self.source = source
        self.rounds = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        with self.source.connect(autocommit=False) as writer:
            while not self._stop.is_set():
                n = self.rounds
                writer.execute("INSERT INTO late VALUES (%s, 'one')", [100_000 + 2 * n])
                writer.execute("UPDATE kept SET v = v + 1 WHERE id = %s", [n % 100 + 1])
                if n % 3 == 0:
                    writer.execute("SAVEPOINT s; UPDATE late SET v = v || '!' WHERE id = 5; "
                                   "ROLLBACK TO s")
                writer.execute("UPDATE late SET v = %s WHERE id = %s", [str(n), n % 1000 + 1])
                writer.execute("INSERT INTO late VALUES (%s, 'two')", [100_001 + 2 * n])
                writer.commit()
                self.rounds += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)


@pytest.mark.parametrize("killed", [False, True], ids=["runs on", "killed"])
def test_adding_and_dropping_during_heavy_writes(source, freshet, killed):
    if killed:
        freshet.expects_faults()
    with Shadow(source) as one, source.connect(autocommit=False) as open_writer:
        until("it writes", lambda: one.rounds > 50)
        open_writer.execute("INSERT INTO late VALUES (1000000, 'open before')")
        freshet.execute("ALTER SOURCE main ADD TABLE late")
        open_writer.execute("UPDATE late SET v = 'open after' WHERE id = 1000")
        if killed:
            freshet.kill()
            freshet.start()
        before = one.rounds
        until("writes go on", lambda: one.rounds > before + 50)
        open_writer.commit()
        freshet.wait_live("public.kept", "public.late")
        freshet.execute("ALTER SOURCE main DROP TABLE late")
        if killed:
            freshet.kill()
            freshet.start()
        freshet.wait_live("public.kept")
        assert "public.late" not in freshet.states()
        freshet.execute("ALTER SOURCE main ADD TABLE late")
        freshet.wait_live("public.kept", "public.late")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet, ["late", "kept"])


# Where each statement can be cut off; and what must hold after the next start in any case.
ADDING = ["alter_source.add.published", "alter_source.add.chosen"]
DROPPING = ["alter_source.drop.chosen", "alter_source.drop.removed"]


@pytest.mark.parametrize("place", ADDING + DROPPING)
def test_a_statement_that_is_cut_off_is_done_or_not_done(source, servers, place):
    adding = place in ADDING
    tables = ["public.kept"] if adding else ["public.kept", "public.late"]
    freshet = servers.freshet(source, tables=tables)
    freshet.expects_faults()
    victim = Victim(freshet, [f"{place}:kill"])
    victim.start()
    victim.wait_live("public.kept")
    with pytest.raises(psycopg.OperationalError):
        freshet.execute(f"ALTER SOURCE main {'ADD' if adding else 'DROP'} TABLE late")
    source.execute("UPDATE late SET v = 'while it was down' WHERE id < 10")
    victim.wait_killed()
    victim.wait_live("public.kept")
    recorded = place.endswith("chosen") or place in DROPPING
    until("it is as chosen", lambda: ("public.late" in freshet.states()) == (recorded == adding))
    if not adding:
        until("it is not published", lambda: published(source) == {"freshet_main public.kept"})
    if "public.late" not in freshet.states():
        freshet.execute("ALTER SOURCE main ADD TABLE late")
    freshet.wait_live("public.kept", "public.late")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet, ["late", "kept"])


def test_a_copy_is_given_up_when_its_table_is_dropped(source, servers):
    pgbench.initialize(source, scale=3)
    link = servers.link(source, bytes_per_second=2_000_000)
    freshet = servers.freshet({"main": link.url()}, tables=["public.kept"]).start()
    freshet.wait_live("public.kept")
    freshet.execute("ALTER SOURCE main ADD TABLE pgbench_accounts")
    until("it is copied", lambda: freshet.execute(
        "SELECT 1 FROM freshet.progress WHERE phase = 'copying' AND rows > 0"))
    freshet.execute("ALTER SOURCE main DROP TABLE pgbench_accounts")
    until("its COPY ends", lambda: source.value(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%'"
        " AND pid <> pg_backend_pid() AND state = 'active'") == 0, seconds=10)
    link.unlimited()
    freshet.execute("ALTER SOURCE main ADD TABLE late")
    freshet.wait_live("public.kept", "public.late")
    assert freshet.execute("SELECT * FROM freshet.progress") == []


REFUSED = [
    # what is added, SQLSTATE, what the message and the hint say
    ("nothing", "42P01", "no table of the source is called nothing"),
    ("none.*", "42P01", "no table of the source is called none.*"),
    ("kept", "42710", "source main has kept already"),
    ("seen", "42809", "public.seen is a view"),
    ("parts_1", "42809", "public.parts_1 is a partition of public.parts"),
    ("unlogged", "0A000", "unlogged tables are not replicated"),
    ("pg_catalog.pg_class", "42809", "pg_catalog.pg_class is a system table"),
    ("'!kept'", "42601", "a pattern that excludes"),
    ("a.b.c", "22023", "more than a schema and a table"),
    ("late, nothing", "42P01", "nothing"),
]


def test_what_cannot_be_added_is_refused_with_its_reason(source, freshet):
    source.execute("CREATE VIEW seen AS SELECT 1; CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);"
                   "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);"
                   "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10)")
    with freshet.connect() as client:
        for what, sqlstate, says in REFUSED:
            with pytest.raises(psycopg.Error) as refused:
                client.execute(f"ALTER SOURCE main ADD TABLE {what}")
            assert refused.value.sqlstate == sqlstate, what
            assert says in refused.value.diag.message_primary, what
            assert int(refused.value.diag.statement_position) >= 28, what
        with pytest.raises(psycopg.errors.UndefinedTable, match="has no table late"):
            client.execute("ALTER SOURCE main DROP TABLE late")
    assert set(freshet.states()) == {"public.kept"}
    assert published(source) == {"freshet_main public.kept"}


def test_rights_that_are_missing_are_named(source, servers):
    source.execute("CREATE ROLE mirror LOGIN REPLICATION; ALTER TABLE kept OWNER TO mirror;"
                   "GRANT CREATE ON DATABASE postgres TO mirror; GRANT SELECT ON late TO mirror")
    freshet = servers.freshet({"main": source.url(user="mirror")}, tables=["public.kept"])
    freshet.start().wait_live()
    with freshet.connect() as client:
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            client.execute("ALTER SOURCE main ADD TABLE app.one")
        assert 'GRANT USAGE ON SCHEMA "app" TO "mirror"; GRANT SELECT ON "app"."one" TO "mirror";' \
            in refused.value.diag.message_hint
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            client.execute("ALTER SOURCE main ADD TABLE late")
        assert 'ALTER PUBLICATION "freshet_main" ADD TABLE ONLY "public"."late"' \
            in refused.value.diag.message_hint
        source.execute("ALTER TABLE late OWNER TO mirror")
        client.execute("ALTER SOURCE main ADD TABLE late")
        freshet.wait_live("public.kept", "public.late")
        source.execute("ALTER PUBLICATION freshet_main OWNER TO postgres")
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            client.execute("ALTER SOURCE main DROP TABLE late")
        assert 'ALTER PUBLICATION "freshet_main" OWNER TO "mirror"' in refused.value.diag.message_hint
    assert set(freshet.states()) == {"public.kept", "public.late"}
