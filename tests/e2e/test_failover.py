"""The primary dies and its standby is promoted: followed where the slot came along and nothing that
was received is missing; refused where it cannot be."""

import re

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


def state(freshet) -> tuple[str, str]:
    return freshet.execute("SELECT state, last_error FROM freshet.sources")[0]


def wait_stale(freshet, message: str) -> None:
    until("the source is stale", lambda: state(freshet)[0] == "stale")
    assert re.search(message, state(freshet)[1]), state(freshet)


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


def test_a_standby_that_was_behind_is_refused(pair, servers):
    """What it never received was received here: its history is another one from there on."""
    primary, standby = pair
    freshet = servers.freshet(both(primary, standby)).start().wait_live()
    freshet.expects_faults()
    primary.execute("UPDATE t SET v = 'common'")
    freshet.wait_lsn(primary)
    wait_synced(primary, standby)
    standby.stop()
    primary.execute("UPDATE t SET v = 'never happened' WHERE id <= 10")
    freshet.wait_lsn(primary)
    primary.stop("immediate")
    standby.start()
    standby.promote()
    standby.execute("UPDATE t SET v = 'happened' WHERE id <= 20")
    wait_stale(freshet, "left the history that was followed")
    assert freshet.value("SELECT count(*) FROM t WHERE v = 'never happened'") == 10
    assert "synchronized_standby_slots" in freshet.log()


def test_a_standby_is_waited_for_until_it_is_promoted(pair, servers):
    primary, standby = pair
    freshet = servers.freshet(both(primary, standby, only_primary=False)).start().wait_live()
    freshet.expects_faults()
    primary.execute("INSERT INTO t VALUES (1000, 'x')")
    freshet.wait_lsn(primary)
    wait_synced(primary, standby)
    primary.stop("immediate")
    until("the standby is recognised", lambda: "is a standby" in state(freshet)[1])
    assert state(freshet)[0] == "retrying"
    standby.promote()
    standby.execute("INSERT INTO t VALUES (1001, 'x')")
    freshet.wait_lsn(standby)
    compare.assert_equal_tables(standby, freshet)


def test_a_standby_without_the_slot_is_refused_once_it_is_promoted(servers):
    """Slots do not come along before 17."""
    primary = prepare(servers.postgres())
    standby = servers.standby(primary)
    freshet = servers.freshet(both(primary, standby)).start().wait_live()
    freshet.expects_faults()
    primary.execute("INSERT INTO t VALUES (1000, 'x')")
    freshet.wait_lsn(primary)
    wait_streaming(primary)
    primary.stop()  # fast: the standby gets everything
    standby.promote()
    wait_stale(freshet, "slot freshet_main is gone")
    assert freshet.value("SELECT count(*) FROM t") == ROWS + 1
