"""kill -9 of Freshet and crashes of PostgreSQL at random moments, while pgbench writes.

The moments come from a seed that is printed; FRESHET_SEED=N repeats a run's choices.
"""

import os
import random

import pytest

from harness import compare, pgbench
from harness.pgbench import InvariantReader, Writer
from harness.throttle import Throttle
from harness.waiting import moment, until

KILLS_WHILE_COPYING = 8
KILLS_WHILE_FOLLOWING = 14
POSTGRES_CRASHES = 3
BALLAST = [f"public.ballast_{i}" for i in range(6)]


@pytest.fixture
def chance():
    seed = int(os.environ.get("FRESHET_SEED", random.SystemRandom().randrange(10**6)))
    print(f"FRESHET_SEED={seed}")
    return random.Random(seed)


@pytest.mark.long
def test_nothing_is_lost_or_doubled_through_crashes_at_any_moment(servers, chance):
    source = servers.postgres(fsync=True)
    pgbench.initialize(source, scale=2)
    # What is copied slowly, so that the kills have something to hit.
    for table in BALLAST:
        source.execute(f"CREATE TABLE {table} AS SELECT i AS id, repeat(md5(i::text), 10) AS v"
                       f" FROM generate_series(1, 20000) i; ALTER TABLE {table} ADD PRIMARY KEY (id)")
    link = Throttle(source, bytes_per_second=12_000_000)
    freshet = servers.freshet({"main": link.url()})
    freshet.expects_faults()
    freshet.start()
    reader = InvariantReader(freshet)
    writer = Writer(source, clients=2)
    crashes = _evenly(POSTGRES_CRASHES, KILLS_WHILE_COPYING + KILLS_WHILE_FOLLOWING)
    kills = {"while copying": 0, "while following": 0}
    for number in range(KILLS_WHILE_COPYING + KILLS_WHILE_FOLLOWING):
        if number < KILLS_WHILE_COPYING:
            # The rows come slowly enough that a copy runs for seconds.
            until("a table is being copied or all are live",
                  lambda: _is_copying(freshet) or _all_live(freshet), seconds=60)
            moment(chance.uniform(0, 0.8))
        else:
            link.unlimited()
            moment(chance.uniform(0.05, 1.0))
        kills["while copying" if _is_copying(freshet) else "while following"] += 1
        freshet.kill()
        if number in crashes:
            source.stop("immediate")
            writer.stop()
            if chance.random() < 0.5:
                freshet.start()  # it must cope with a source that is away
                moment(chance.uniform(0, 0.5))
            source.start()
            writer = Writer(source, clients=2)
        if not freshet.running:
            freshet.start()
    freshet.wait_live(*pgbench.TABLES, *BALLAST, seconds=120)
    reader.wait_reads(reader.reads + 200)
    assert writer.running, writer.output()
    writer.stop()
    freshet.wait_lsn(source)
    reads = reader.stop()
    compare.assert_equal_tables(source, freshet, [*pgbench.TABLES, *BALLAST])
    print(f"kills {kills}, {POSTGRES_CRASHES} crashes of PostgreSQL, {reads} reads")
    assert sum(kills.values()) >= 20 and kills["while copying"] >= KILLS_WHILE_COPYING // 2
    link.close()


def _is_copying(freshet) -> bool:
    return any(phase == "copying" for (phase,) in freshet.execute("SELECT phase FROM freshet.progress"))


def _all_live(freshet) -> bool:
    states = freshet.states()
    return len(states) == len(pgbench.TABLES) + len(BALLAST) and set(states.values()) == {"live"}


def _evenly(count: int, length: int) -> set[int]:
    return {length * (i + 1) // (count + 1) for i in range(count)}


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
