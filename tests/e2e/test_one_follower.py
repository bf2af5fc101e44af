"""One slot, one follower: a second Freshet is refused, and the first does not notice."""

import shutil

import pytest

from harness import compare
from harness.waiting import until

IN_USE = "source interrupted, trying again.*another Freshet follows this source"


@pytest.fixture
def source(servers):
    server = servers.postgres()
    server.execute("CREATE TABLE t (id int PRIMARY KEY, v text);"
                   "INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i")
    return server


def source_status(freshet) -> tuple[str, str]:
    return freshet.execute("SELECT state, last_error FROM freshet.sources")[0]


def wait_refused(freshet) -> str:
    """Waits until the source is refused because another Freshet follows it; the reason."""

    def refused() -> str | None:
        state, error = source_status(freshet)
        return error if state == "retrying" and "another Freshet" in error else None

    return until("the second server is refused", refused)


def copy_of(freshet, servers, source):
    """A server on a copy of the stopped server's data folder."""
    copy = servers.freshet(source)
    shutil.copytree(freshet.data, copy.data)
    return copy


def test_a_copied_folder_is_refused_while_the_first_runs(source, servers):
    first = servers.freshet(source).start().wait_live()
    first.stop()
    second = copy_of(first, servers, source)
    first.start().wait_live()
    walsenders = until("the first server follows", source.walsenders)

    second.expects_log(IN_USE)
    second.start()
    reason = wait_refused(second)
    assert "freshet_main" in reason
    assert second.get("/health/ready")[0] == 503
    assert second.value("SELECT count(*) FROM t") == 100
    source.execute("INSERT INTO t SELECT i, 'new' FROM generate_series(101, 200) i")
    first.wait_lsn(source)
    assert source.walsenders() == walsenders, "the first server was interrupted"
    compare.assert_equal_tables(source, first)


def test_a_copied_folder_takes_over_when_the_first_is_gone_and_the_first_cannot_come_back(
        source, servers):
    first = servers.freshet(source).start().wait_live()
    first.stop()
    second = copy_of(first, servers, source)
    first.start().wait_live()
    second.expects_log(IN_USE)
    second.start()
    wait_refused(second)

    first.kill()
    second.wait_live()
    source.execute("INSERT INTO t SELECT i, 'new' FROM generate_series(101, 200) i")
    second.wait_lsn(source)
    compare.assert_equal_tables(source, second)

    first.expects_log(IN_USE)
    first.start()
    wait_refused(first)


def test_another_folder_of_the_same_name_is_refused_for_good(source, servers):
    first = servers.freshet(source).start().wait_live()
    walsenders = until("the first server follows", source.walsenders)
    second = servers.freshet(source)
    second.expects_log("source stopped.*freshet_main exists already")
    assert second.spawn().wait_end() != 0
    assert "42710" in second.output() or "exists already" in second.output()
    assert source.walsenders() == walsenders
    source.execute("INSERT INTO t VALUES (101, 'new')")
    first.wait_lsn(source)
    compare.assert_equal_tables(source, first)


def test_a_restart_after_a_kill_does_not_wait(source, servers):
    """What a killed server leaves on the source is no other follower."""
    freshet = servers.freshet(source)
    for _ in range(3):
        freshet.start().wait_live(seconds=10)
        freshet.kill()
    assert not freshet.complaints()


def test_somebody_else_who_reads_the_slot_is_named_and_left_alone(source, servers):
    freshet = servers.freshet(source).start().wait_live()
    freshet.stop()
    other = source.connect(replication="database", application_name="another program")
    other.pgconn.send_query(
        b"START_REPLICATION SLOT freshet_main LOGICAL 0/0 (proto_version '1',"
        b" publication_names 'freshet_main')")
    others = until("the other program reads the slot", source.walsenders)
    freshet.expects_log("source interrupted.*in use by process.*another program")
    freshet.start()
    until("the owner is named", lambda: "another program" in source_status(freshet)[1])
    assert source.walsenders() == others, "the other program was interrupted"
    other.close()
    freshet.wait_live()
    source.execute("INSERT INTO t VALUES (101, 'new')")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)
