"""The harness itself: comparisons that cannot fail would prove nothing."""

import subprocess
import sys
import time

import psycopg
import pytest

from harness import compare, pgbench, processes, waiting
from harness.freshet import Freshet
from harness.pgbench import InvariantReader
from harness.throttle import Throttle


class Mirror(Freshet):
    """Plays Freshet for the comparison: any server that answers SQL."""

    def __init__(self, url: str):
        super().__init__({})
        self.sql_url = url

    def connect(self, **options):
        return super().connect(user="postgres", **options)


@pytest.fixture(scope="module")
def source(module_servers):
    server = module_servers.postgres()
    server.execute("CREATE TABLE t (id int PRIMARY KEY, word text, n numeric,"
                   " twice int GENERATED ALWAYS AS (id * 2) STORED);"
                   "INSERT INTO t SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE E'a\\nb' || i END, i"
                   " FROM generate_series(1, 1000) i;"
                   "CREATE TABLE large (id int PRIMARY KEY, word text);"
                   "INSERT INTO large SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE E'a\\nb' || i END"
                   " FROM generate_series(1, 20000) i;"
                   "CREATE TABLE twins (v text); INSERT INTO twins VALUES ('x'), ('x'), (NULL)")
    return server


@pytest.fixture
def damaged(source):
    """A copy of the source's database for a test to damage."""
    source.execute("CREATE DATABASE damaged TEMPLATE template0")
    dump = subprocess.run(["pg_dump", source.url()], check=True, capture_output=True).stdout
    subprocess.run(["psql", "-Xq", source.url("damaged")], input=dump, check=True,
                   capture_output=True)
    yield source
    source.execute("DROP DATABASE damaged WITH (FORCE)")


def test_equal_tables_pass(source):
    compare.assert_equal_tables(source, Mirror(source.url()))


@pytest.mark.parametrize("damage", [
    "DELETE FROM t WHERE id = 500",
    "INSERT INTO t VALUES (5000)",
    "UPDATE t SET word = '' WHERE word IS NULL",
    "UPDATE t SET word = upper(word) WHERE id = 1000",
    "UPDATE t SET n = n + 0.0 WHERE id = 7",
    "INSERT INTO twins VALUES ('x')",
    "DELETE FROM large WHERE id = 500",
    "INSERT INTO large VALUES (50000)",
    "UPDATE large SET word = '' WHERE id = 3",
    "DELETE FROM twins WHERE v IS NULL",
    "ALTER TABLE t DROP COLUMN word",
    "DROP TABLE twins",
])
def test_every_damage_is_found(damaged, damage):
    compare.assert_equal_tables(damaged, Mirror(damaged.url("damaged")))
    damaged.execute(damage, "damaged")
    with pytest.raises(AssertionError):
        compare.assert_equal_tables(damaged, Mirror(damaged.url("damaged")))


@pytest.mark.parametrize("table", ["t", "large"])
def test_a_difference_names_the_rows(damaged, table):
    damaged.execute(f"UPDATE {table} SET word = 'wrong' WHERE id = 1", "damaged")
    with pytest.raises(AssertionError, match=r"1 rows only on the source[^$]*a\nb1[^$]*wrong"):
        compare.assert_equal_tables(damaged, Mirror(damaged.url("damaged")))


def test_difference_counts_equal_rows():
    assert compare.difference([("a",), ("a",), ("b",)], [("a",), ("c",)]) == \
        ([("a",), ("b",)], [("c",)])


def test_the_invariant_holds_on_postgres_and_its_breach_is_seen(source):
    source.create_database("tpcb")
    pgbench.initialize(source, scale=1, database="tpcb")
    writer = pgbench.Writer(source, database="tpcb", seconds=60)
    reader = InvariantReader(Mirror(source.url("tpcb")))
    reader.wait_reads(20)
    pgbench.wait_committed(source, 20, "tpcb")
    writer.stop()
    assert reader.stop() >= 20
    assert len(reader.distinct) > 1

    reader = InvariantReader(Mirror(source.url("tpcb")))
    source.execute("UPDATE pgbench_tellers SET tbalance = tbalance + 1 WHERE tid = 1", "tpcb")
    with pytest.raises(AssertionError, match="half a transaction"):
        reader.wait_reads(reader.reads + 1000)
        reader.stop()


def test_a_restarted_postgres_listens_on_the_same_port(servers):
    server = servers.postgres(fsync=True)
    server.execute("CREATE TABLE kept AS SELECT 1 AS one")
    server.restart("immediate")
    server.restart("fast")
    assert server.value("SELECT one FROM kept") == 1


def test_a_slow_link_is_slow_until_it_is_let_go_and_breaks_when_cut(source):
    link = Throttle(source, bytes_per_second=500_000)
    try:
        with psycopg.connect(link.url(), autocommit=True) as connection:
            began = time.monotonic()
            connection.execute("SELECT repeat('x', 250000)")
            assert 0.4 < time.monotonic() - began < 20
            link.unlimited()
            assert len(connection.execute("SELECT repeat('x', 5000000)").fetchone()[0]) == 5000000
            link.cut()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        with psycopg.connect(link.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        link.remove()


@pytest.mark.parametrize("sender, count", [("server", 100_000), ("client", 20)])
def test_a_link_breaks_at_the_byte_it_is_told(source, sender, count):
    link = Throttle(source, bytes_per_second=1e12)
    try:
        with psycopg.connect(link.url(), autocommit=True) as connection:
            link.cut_after(sender, count)
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT repeat('x', 1000000)")
        with psycopg.connect(link.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        link.remove()


def test_waiting_ends_with_what_was_waited_for():
    with pytest.raises(waiting.Overdue, match="the sky falls"):
        waiting.until("the sky falls", lambda: False, seconds=0.05)


@pytest.mark.parametrize("line, is_complaint", [
    ("2026-11-22T07:00:00.123Z warn slot in use slot=freshet_a", True),
    ("2026-11-22T07:00:00.123Z error could not connect", True),
    ("2026-11-22T07:00:00.123Z info snapshot finished note=\"no warn here\"", False),
    ("2026-11-22T07:00:00.123Z info error free", False),
    ("2026-11-22T07:00:00.123Z debug warn", False),
])
def test_complaints_are_warnings_and_errors(line, is_complaint):
    freshet = Freshet({})
    (freshet.folder / "err-0.log").write_text(line + "\n")
    assert bool(freshet.complaints()) == is_complaint
    freshet.expects_log("slot in use|could not connect")
    assert freshet.complaints() == []
    freshet.remove()


def test_children_die_with_the_run(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        "import os, signal, subprocess\n"
        "from harness import processes\n"
        "child = processes.start(['cat'], stdin=subprocess.PIPE, stdout=None, stderr=None)\n"
        "print(child.pid, processes.ROOT, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n")
    run = subprocess.run([sys.executable, script], capture_output=True, text=True,
                         env={"PYTHONPATH": str(processes.REPOSITORY / "tests"),
                              "PATH": "/usr/bin:/bin"})
    pid, root = run.stdout.split()
    waiting.until("the child is gone", lambda: not _alive(int(pid)), seconds=5)
    processes._remove_if_unused(processes.Path(root))
    assert not processes.Path(root).exists()


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
