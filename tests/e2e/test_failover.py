"""The primary dies and its standby is promoted: followed where the slot came along and nothing that
was received is missing."""

import pytest

from harness import compare
from harness.waiting import until

ROWS = 100


def prepare(server):
    server.execute("CREATE TABLE t (id int PRIMARY KEY, v text);"
                   f"INSERT INTO t SELECT i, 'v' FROM generate_series(1, {ROWS}) i")
    return server


def both(primary, standby, only_primary: bool = True) -> dict[str, str]:
    """One URL for whichever of the two is the primary, or for whichever answers first."""
    attributes = "?target_session_attrs=read-write" if only_primary else ""
    return {"main": f"postgresql://postgres@{primary.address},{standby.address}/postgres{attributes}"}


def wait_streaming(primary) -> None:
    until("the standby follows", lambda: primary.execute(
        "SELECT 1 FROM pg_stat_replication WHERE application_name = 'walreceiver'"))


def wait_synced(primary, standby) -> None:
    """Until the standby has a copy of our slot that it could go on with."""
    wait_streaming(primary)

    def synced() -> bool:
        primary.execute("SELECT pg_log_standby_snapshot()")
        return bool(standby.execute("SELECT 1 FROM pg_replication_slots WHERE slot_name ="
                                    " 'freshet_main' AND synced AND NOT temporary"))

    until("the slot is synced", synced, seconds=60)


@pytest.fixture(params=[17, 18], ids=str)
def pair(request, servers):
    """A primary and a standby that takes over its failover slots."""
    primary = prepare(servers.postgres(version=request.param))
    standby = servers.standby(primary, sync_replication_slots="on")
    return primary, standby


def test_a_slot_is_made_for_failover_where_it_can_be(servers):
    for version, column in ((17, "failover"), (16, "NOT temporary")):
        source = prepare(servers.postgres(version=version))
        servers.freshet(source).start().wait_live()
        assert source.value(f"SELECT {column} FROM pg_replication_slots"
                            " WHERE slot_name = 'freshet_main'")


def test_a_promoted_standby_is_followed_on(pair, servers):
    primary, standby = pair
    primary.execute("ALTER SYSTEM SET synchronized_standby_slots = 'standby'")
    primary.execute("SELECT pg_reload_conf()")
    freshet = servers.freshet(both(primary, standby)).start().wait_live()
    freshet.expects_faults()
    primary.execute("UPDATE t SET v = 'before'")
    freshet.wait_lsn(primary)
    wait_synced(primary, standby)
    primary.execute("INSERT INTO t VALUES (1000, 'the last')")
    freshet.wait_lsn(primary)
    primary.stop("immediate")
    standby.promote()
    standby.execute("UPDATE t SET v = v || ', after'; DELETE FROM t WHERE id % 7 = 0")
    freshet.wait_lsn(standby)
    compare.assert_equal_tables(standby, freshet)
    assert freshet.value("SELECT count(*) FROM t WHERE v LIKE '%, after'") > 0
    standby.execute("CHECKPOINT")  # which is when the new timeline is written down
    assert standby.value("SELECT timeline_id FROM pg_control_checkpoint()") == 2
    # Also across a restart: the new timeline is the one that is known now.
    freshet.stop()
    standby.execute("INSERT INTO t VALUES (2000, 'while away')")
    freshet.start().wait_live()
    freshet.wait_lsn(standby)
    compare.assert_equal_tables(standby, freshet)
