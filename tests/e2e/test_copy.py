"""The first copy: by several connections at once, whatever else holds locks or writes meanwhile."""

import subprocess

import pytest

from harness import compare
from harness.freshet import BINARY
from harness.waiting import until

LARGE = """
CREATE TABLE large (id int PRIMARY KEY, v text);
INSERT INTO large SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 80000) i;
ANALYZE large;
"""
CHANGES = """
UPDATE large SET v = 'changed' WHERE id % 11 = 0;
DELETE FROM large WHERE id % 13 = 0;
INSERT INTO large SELECT i, 'new' FROM generate_series(200001, 200100) i;
"""


def copying(source, table: str) -> int:
    """How many connections copy the table at this moment."""
    return source.value("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND"
                        f" query ~ '^COPY .*{table}' AND pid <> pg_backend_pid()")


@pytest.mark.parametrize("version", [None, 12], ids=["by pages", "by keys"])
def test_one_large_table_is_copied_by_all_workers(servers, version):
    source = servers.postgres(version=version)
    source.execute(LARGE)
    link = servers.link(source, bytes_per_second=8_000_000)
    freshet = servers.freshet({"main": link.url()}, options=["--copy-workers", "3"]).start()
    until("all workers copy it", lambda: copying(source, "large") == 3)
    source.execute(CHANGES)
    link.unlimited()
    freshet.wait_live("public.large")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)
    source.execute(CHANGES.replace("200", "300"))
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_killed_while_several_copy_one_table_it_is_copied_again(servers):
    source = servers.postgres()
    source.execute(LARGE + "CREATE TABLE small (id int PRIMARY KEY); INSERT INTO small VALUES (1)")
    link = servers.link(source, bytes_per_second=6_000_000)
    freshet = servers.freshet({"main": link.url()}, options=["--copy-workers", "2"])
    freshet.expects_faults()
    freshet.start()
    freshet.wait_state("public.small", "live")
    until("both copy it", lambda: copying(source, "large") == 2)
    source.execute(CHANGES)
    freshet.kill()
    link.unlimited()
    freshet.start().wait_live("public.small", "public.large")
    freshet.wait_lsn(source)
    assert freshet.log().count("table copied table=public.small") == 1
    compare.assert_equal_tables(source, freshet)


def test_partitions_are_copied_side_by_side(servers):
    source = servers.postgres()
    source.execute("CREATE TABLE parts (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
                   "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000);"
                   "CREATE TABLE parts_2 (v text, gone int, id int NOT NULL);"
                   "ALTER TABLE parts_2 DROP gone;"
                   "ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (1000) TO (100000);"
                   "INSERT INTO parts SELECT i, repeat('v', 800) FROM generate_series(1, 20000) i;"
                   "INSERT INTO parts VALUES (0, 'first')")
    link = servers.link(source, bytes_per_second=4_000_000)
    freshet = servers.freshet({"main": link.url()}, options=["--copy-workers", "2"]).start()
    until("two connections copy it", lambda: copying(source, "parts_") == 2)
    source.execute("UPDATE parts SET id = 50000, v = 'moved' WHERE id = 5")
    link.unlimited()
    freshet.wait_live("public.parts")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_a_locked_table_does_not_hold_up_the_others(servers):
    source = servers.postgres()
    source.execute("CREATE TABLE first (id int PRIMARY KEY, v text);"
                   "INSERT INTO first SELECT i, repeat('v', 1000) FROM generate_series(1, 3000) i;"
                   "CREATE TABLE locked (id int PRIMARY KEY);"
                   "INSERT INTO locked SELECT generate_series(1, 5000);"
                   "CREATE TABLE last (id int PRIMARY KEY); INSERT INTO last VALUES (1); ANALYZE")
    link = servers.link(source, bytes_per_second=1_000_000)
    freshet = servers.freshet({"main": link.url()}, options=["--copy-workers", "1"]).start()
    freshet.wait_state("public.first", "copying")
    with source.connect(autocommit=False) as holder:
        holder.execute("LOCK TABLE locked IN ACCESS EXCLUSIVE MODE")
        link.unlimited()
        until("the lock's holder is named", lambda: freshet.execute(
            "SELECT 1 FROM freshet.progress WHERE name = 'locked' AND phase = 'waiting for lock'"
            f" AND waiting_for LIKE 'process {holder.info.backend_pid} of postgres%'"))
        status = subprocess.run([BINARY, "status", freshet.sql_url], capture_output=True, check=False)
        assert f"process {holder.info.backend_pid} of" in status.stdout.decode()
        freshet.wait_live("public.first", "public.last")
        assert freshet.states()["public.locked"] == "waiting"
        holder.execute("INSERT INTO locked VALUES (0)")
        holder.commit()
    freshet.wait_live("public.locked")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_the_first_start_says_whose_end_it_waits_for(servers):
    source = servers.postgres()
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    with source.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO t VALUES (1)")
        freshet = servers.freshet(source).start()
        whom = f"1 open transaction: process {writer.info.backend_pid} of postgres"
        until("it says for whom", lambda: freshet.execute(
            f"SELECT 1 FROM freshet.progress WHERE name = 't' AND waiting_for LIKE '{whom}%'"))
        until("so does the terminal", lambda: f"waiting for the slot: {whom}" in freshet.output())
        writer.commit()
    freshet.wait_live("public.t")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)


def test_the_snapshot_outlives_timeouts_of_the_role(servers):
    source = servers.postgres()
    source.execute(LARGE + "ALTER ROLE postgres SET idle_in_transaction_session_timeout = '1s';"
                   "ALTER ROLE postgres SET idle_session_timeout = '1s';"
                   "ALTER ROLE postgres SET statement_timeout = '1s'")
    link = servers.link(source, bytes_per_second=7_000_000)
    freshet = servers.freshet({"main": link.url()}, options=["--copy-workers", "2"]).start()
    freshet.wait_live("public.large", seconds=60)
    with source.connect() as reader:
        reader.execute("SET statement_timeout = 0")
        compare.assert_equal_tables(source, freshet)
