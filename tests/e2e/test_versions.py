"""Every major version of PostgreSQL that can be a source, each with what it can do."""

import pytest

from harness import compare
from harness.every_type import CHANGES, LIVE, TABLES
from harness.postgres import VERSIONS, Postgres
from harness.waiting import until


@pytest.fixture(scope="module", params=VERSIONS, ids=str)
def server(request):
    """One of each version; each test has a database of its own there."""
    server = Postgres(f"pg{request.param}", version=request.param).start()
    try:
        assert server.value("SHOW server_version_num").startswith(str(request.param))
        yield server
    finally:
        server.remove()


def since(version: int):
    """For tests of what older versions do not have."""
    return pytest.mark.parametrize("server", [v for v in VERSIONS if v >= version], indirect=True,
                                   scope="module", ids=str)


def database(server: Postgres, name: str, sql: str) -> str:
    server.create_database(name)
    server.execute(sql, name)
    return name


def test_copies_and_follows_every_kind_of_change(server, servers):
    name = database(server, "changes", TABLES)
    freshet = servers.freshet({name: server.url(name)}).start().wait_live(*LIVE)
    compare.assert_equal_tables(server, freshet, database=name)
    for change in CHANGES:
        server.execute(change, name)
    freshet.wait_lsn(server)
    compare.assert_equal_tables(server, freshet, database=name)
    # The application's own changes to a table without a key go on as before.
    server.execute("DELETE FROM keyless WHERE at = 1; UPDATE keyless SET at = 0 WHERE at = 2", name)


def test_goes_on_after_kill_and_restart_of_either_side(server, servers):
    name = database(server, "restarts", TABLES)
    freshet = servers.freshet({name: server.url(name)}).start().wait_live(*LIVE)
    freshet.expects_log("source interrupted")
    freshet.kill()
    for change in CHANGES[:4]:
        server.execute(change, name)
    freshet.start()
    for change in CHANGES[4:]:
        server.execute(change, name)
    freshet.wait_lsn(server)
    compare.assert_equal_tables(server, freshet, database=name)
    for mode in ("fast", "immediate"):
        server.execute("UPDATE everything SET t = t || '!' WHERE id < 200", name)
        server.restart(mode)
        server.execute("UPDATE everything SET t = t || '?' WHERE id > 100", name)
        freshet.wait_lsn(server)
        compare.assert_equal_tables(server, freshet, database=name)
    assert set(freshet.states().values()) == {"live"}


@since(11)
def test_truncate(server, servers):
    name = database(server, "truncates", TABLES)
    freshet = servers.freshet({name: server.url(name)}).start().wait_live(*LIVE)
    server.execute("TRUNCATE emptied, keyless; INSERT INTO emptied VALUES (1, 'after')", name)
    freshet.wait_lsn(server)
    compare.assert_equal_tables(server, freshet, database=name)


def test_partitioned_table(server, servers):
    # A partitioned table has a primary key since 11.
    keys = ("ALTER TABLE parts ADD PRIMARY KEY (id)" if server.version >= 11 else
            "ALTER TABLE parts_1 ADD PRIMARY KEY (id); ALTER TABLE parts_2 ADD PRIMARY KEY (id)")
    name = database(server, "parts", """
        CREATE TABLE parts (id int NOT NULL, at date NOT NULL, word text) PARTITION BY RANGE (id);
        CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
        CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
        """ + keys + """;
        INSERT INTO parts SELECT i, date '2024-01-01' + i, 'word' FROM generate_series(1, 199) i""")
    freshet = servers.freshet({name: server.url(name)}, ["public.parts"]).start().wait_live()
    assert set(freshet.states()) == ({"public.parts"} if server.version >= 13 else
                                     {"public.parts_1", "public.parts_2"})
    server.execute("UPDATE parts SET word = 'new' WHERE id % 3 = 0; DELETE FROM parts WHERE id % 5 = 0;"
                   "INSERT INTO parts VALUES (0, '2025-01-01', NULL)", name)
    freshet.wait_lsn(server)
    compare.assert_equal_tables(server, freshet, database=name)


@since(12)
def test_generated_columns(server, servers):
    virtual = ", half int GENERATED ALWAYS AS (id / 2) VIRTUAL" if server.version >= 18 else ""
    name = database(server, "generated", f"""
        CREATE TABLE keyed (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, w text);
        CREATE TABLE whole (id int, twice int GENERATED ALWAYS AS (id * 2) STORED, w text);
        ALTER TABLE whole REPLICA IDENTITY FULL;
        CREATE TABLE unsent (id int, w text{virtual}); ALTER TABLE unsent REPLICA IDENTITY FULL;
        INSERT INTO keyed (id, w) SELECT i, 'a' FROM generate_series(1, 50) i;
        INSERT INTO whole (id, w) SELECT i, 'a' FROM generate_series(1, 50) i;
        INSERT INTO unsent (id, w) SELECT i, 'a' FROM generate_series(1, 50) i""")
    freshet = servers.freshet({name: server.url(name)}).start().wait_live()
    server.execute("UPDATE keyed SET id = id + 100 WHERE id % 3 = 0; UPDATE whole SET w = 'b' WHERE id < 9;"
                   "UPDATE whole SET id = -id WHERE id > 40; DELETE FROM whole WHERE id = 1", name)
    freshet.wait_lsn(server)
    tables = ["public.keyed", "public.whole"]
    compare.assert_equal_tables(server, freshet, tables, name)
    columns = {row[0] for row in freshet.execute("SELECT column_name FROM information_schema.columns"
                                                 " WHERE table_name = 'keyed'")}
    assert columns == {"id", "w", *(["twice"] if server.version >= 18 else [])}
    # An update that would have to send a virtual column fails on a source that publishes it: ours
    # does not.
    server.execute("UPDATE unsent SET w = 'b'", name)


@since(17)
def test_the_slot_is_marked_for_failover(server, servers):
    name = database(server, "failover", "CREATE TABLE t (id int PRIMARY KEY)")
    servers.freshet({name: server.url(name)}).start().wait_live("public.t")
    assert server.value("SELECT failover FROM pg_replication_slots"
                        " WHERE slot_name = 'freshet_failover'") is True


PUBLICATIONS = """
CREATE PUBLICATION freshet_standby FOR TABLE ONLY everything, ONLY twins, ONLY by_index, ONLY emptied
  WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true{more});
CREATE PUBLICATION freshet_standby_inserts FOR TABLE ONLY keyless
  WITH (publish = 'insert, truncate', publish_via_partition_root = true{more});
"""


@pytest.mark.parametrize("version", [16, 18])
def test_a_hot_standby_is_followed(version, servers):
    primary = servers.postgres("primary", version=version)
    standby = servers.postgres("standby", standby_of=primary)
    more = ", publish_generated_columns = stored" if version >= 18 else ""
    primary.execute(TABLES + PUBLICATIONS.format(more=more))

    def wait_standby():
        lsn = primary.lsn()
        until("the standby has all of the primary",
              lambda: standby.value(f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'"))

    wait_standby()
    freshet = servers.freshet({"standby": standby.url()}).start()

    def live():
        # A slot of a standby waits until its primary says which transactions run.
        primary.execute("SELECT pg_log_standby_snapshot()")
        states = freshet.states()
        return len(states) == len(LIVE) and set(states.values()) == {"live"}

    until("all tables are live", live, seconds=60, every=0.3)
    for change in CHANGES:
        primary.execute(change)
    freshet.kill()
    primary.execute("UPDATE everything SET t = t || '!' WHERE id < 200")
    freshet.start()
    wait_standby()
    freshet.wait_lsn(standby)
    compare.assert_equal_tables(standby, freshet)
    assert primary.value("SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'logical'") == 0
