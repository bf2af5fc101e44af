"""kill -9 of Freshet and crashes of PostgreSQL at random moments, while pgbench writes.

The moments come from a seed that is printed; FRESHET_SEED=N repeats a run's choices.
"""

import os
import random

import pytest

from harness import compare, pgbench
from harness.pgbench import InvariantReader, Writer
from harness.waiting import moment, until

KILLS_WHILE_COPYING = 8
KILLS_WHILE_FOLLOWING = 14
BALLAST = [f"public.ballast_{i}" for i in range(6)]


@pytest.fixture
def chance():
    seed = int(os.environ.get("FRESHET_SEED", random.SystemRandom().randrange(10**6)))
    print(f"FRESHET_SEED={seed}")
    return random.Random(seed)


@pytest.mark.long
def test_nothing_is_lost_or_doubled_through_crashes_at_any_moment(servers, chance):
    run = Run(servers, chance)
    for number in range(KILLS_WHILE_COPYING):
        until("a table is being copied or all are live", run.copies_or_is_done, seconds=60)
        moment(chance.uniform(0, 0.8))
        run.kill(and_postgres=number == KILLS_WHILE_COPYING // 2)
    run.link.unlimited()
    run.freshet.wait_live(*pgbench.TABLES, *BALLAST, seconds=120)
    for number in range(KILLS_WHILE_FOLLOWING):
        run.reader.wait_reads(run.reader.reads + chance.randrange(1, 40))
        moment(chance.uniform(0, 0.7))
        run.kill(and_postgres=number % 6 == 3)
    run.freshet.wait_live(*pgbench.TABLES, *BALLAST, seconds=120)
    run.reader.wait_reads(run.reader.reads + 100)
    assert run.writer.running, run.writer.output()
    run.writer.stop()
    run.freshet.wait_lsn(run.source)
    reads = run.reader.stop()
    compare.assert_equal_tables(run.source, run.freshet, [*pgbench.TABLES, *BALLAST])
    print(f"kills {run.kills}, {run.crashes} crashes of PostgreSQL, {reads} reads of the invariant,"
          f" {len(run.reader.distinct)} different")
    assert sum(run.kills.values()) >= 20 and run.crashes >= 3
    assert run.kills["while copying"] >= KILLS_WHILE_COPYING // 2
    assert run.kills["while following"] >= KILLS_WHILE_FOLLOWING


class Run:
    """Writers, readers and the two servers of one run, and the faults."""

    def __init__(self, servers, chance):
        self.chance = chance
        self.source = servers.postgres(fsync=True)
        pgbench.initialize(self.source, scale=2)
        for table in BALLAST:  # what is copied slowly, so that the kills have something to hit
            self.source.execute(
                f"CREATE TABLE {table} AS SELECT i AS id, repeat(md5(i::text), 10) AS v"
                f" FROM generate_series(1, 20000) i; ALTER TABLE {table} ADD PRIMARY KEY (id)")
        self.link = servers.link(self.source, bytes_per_second=12_000_000)
        self.freshet = servers.freshet({"main": self.link.url()})
        self.freshet.expects_faults()
        self.freshet.start()
        self.reader = InvariantReader(self.freshet)
        self.writer = Writer(self.source, clients=2)
        self.kills = {"while copying": 0, "while following": 0}
        self.crashes = 0

    def kill(self, and_postgres: bool) -> None:
        self.kills["while copying" if self.copies() else "while following"] += 1
        self.freshet.kill()
        if and_postgres:
            self.crash_postgres()
        if not self.freshet.running:
            self.freshet.start()

    def crash_postgres(self) -> None:
        self.crashes += 1
        self.source.stop("immediate")
        self.writer.stop()
        if self.chance.random() < 0.5:
            self.freshet.start()  # it must cope with a source that is away
            moment(self.chance.uniform(0, 0.5))
        self.source.start()
        self.writer = Writer(self.source, clients=2)

    def copies(self) -> bool:
        return any(phase == "copying"
                   for (phase,) in self.freshet.execute("SELECT phase FROM freshet.progress"))

    def copies_or_is_done(self) -> bool:
        states = self.freshet.states()
        done = len(states) == len(pgbench.TABLES) + len(BALLAST) and set(states.values()) == {"live"}
        return done or self.copies()


@pytest.mark.parametrize("rows", [1, 1000])
def test_kills_between_commits_double_nothing(servers, chance, rows):
    """Transactions of one row and of many, each at its own position; a counter betrays repetition."""
    source = servers.postgres(fsync=True)
    source.execute("CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL);"
                   f"INSERT INTO counters SELECT i, 0 FROM generate_series(1, {rows}) i;"
                   "CREATE TABLE log (n int)")  # without a key: a repeated insert stays visible
    freshet = servers.freshet(source)
    freshet.expects_faults()
    freshet.start().wait_live("public.counters", "public.log")
    done = 0
    for _ in range(10):
        with source.connect() as connection:
            for _ in range(chance.randrange(5, 60)):
                done += 1
                connection.execute("BEGIN; UPDATE counters SET n = n + 1;"
                                   f"INSERT INTO log VALUES ({done}); COMMIT")
        freshet.kill()
        freshet.start()
    freshet.wait_live("public.counters", "public.log")
    freshet.wait_lsn(source)
    assert freshet.execute("SELECT count(*), count(DISTINCT n), max(n) FROM log") == [(done,) * 3]
    assert freshet.execute("SELECT DISTINCT n FROM counters") == [(done,)]
    compare.assert_equal_tables(source, freshet)
