"""`freshet serve` asks the doctor before it creates anything, and leaves to its own knowledge what the
doctor cannot judge: whether the slot continues what we have."""

import re

import pytest

from harness import compare
from harness.waiting import until

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'v')"


@pytest.fixture(scope="module")
def roomy(module_servers):
    server = module_servers.postgres()
    server.execute(TABLE + "; CREATE ROLE cdc LOGIN REPLICATION; GRANT SELECT ON t TO cdc")
    return server


def refusal(freshet) -> str:
    freshet.expects_log("source stopped")
    assert freshet.spawn().wait_end() != 0
    return freshet.output()


def created(source) -> list:
    return source.execute("SELECT slot_name::text FROM pg_replication_slots UNION ALL SELECT pubname"
                          " FROM pg_publication")


def source_state(freshet) -> tuple:
    return freshet.execute("SELECT state, last_error FROM freshet.sources")[0]


def test_what_the_doctor_calls_blocking_is_refused_with_its_fix(roomy, servers):
    said = refusal(servers.freshet({"rights": roomy.url(user="cdc")}))
    assert "may not create publications in database postgres" in said
    assert 'GRANT CREATE ON DATABASE "postgres" TO "cdc";' in said
    assert created(roomy) == []


def test_all_obstacles_are_named_at_once(servers):
    source = servers.postgres(wal_level="minimal", max_wal_senders=0)
    source.execute(TABLE)
    said = refusal(servers.freshet(source))
    assert "wal_level is minimal, not logical" in said and "ALTER SYSTEM SET wal_level" in said
    assert re.search(r"Also: .*WAL senders", said), said


def test_a_publication_of_our_name_for_all_tables(roomy, servers):
    roomy.execute("CREATE PUBLICATION freshet_all FOR ALL TABLES")
    try:
        assert "FOR ALL TABLES" in refusal(servers.freshet({"all": roomy.url()}))
    finally:
        roomy.execute("DROP PUBLICATION freshet_all")
    assert created(roomy) == []


def test_room_for_slots(servers):
    """Where all are taken it is waited for; our own is not in the way; one that is gone is missed, not
    room for it."""
    source = servers.postgres(max_replication_slots=1, max_wal_senders=2)
    source.execute(TABLE + "; SELECT pg_create_physical_replication_slot('other')")
    freshet = servers.freshet(source)
    freshet.expects_log("source interrupted")
    freshet.start()
    until("it is said", lambda: source_state(freshet)[0] == "retrying")
    assert "all 1 replication slots are in use" in source_state(freshet)[1]
    source.execute("SELECT pg_drop_replication_slot('other')")
    freshet.wait_live()
    freshet.stop()
    source.execute("UPDATE t SET v = 'while it was away'")
    freshet.start().wait_live()
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)
    freshet.stop()
    source.execute("SELECT pg_drop_replication_slot('freshet_main');"
                   "SELECT pg_create_physical_replication_slot('other')")
    freshet.expects_log("source stopped")
    freshet.start()
    until("the source is stale", lambda: source_state(freshet)[0] == "stale")
    assert "is gone" in source_state(freshet)[1]
    assert freshet.value("SELECT v FROM t") == "while it was away"
