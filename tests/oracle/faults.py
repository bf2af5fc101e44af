"""What goes wrong during a round. Each fault is one function: it breaks something, and mends it.

When the function returns, Freshet runs and its source can be reached; nothing waits for it to have
recovered, so the next fault may hit it in the middle.
"""

import os
import signal
from collections.abc import Callable
from random import Random
from typing import Protocol

import psycopg

from harness.disk import Disk
from harness.freshet import Freshet
from harness.postgres import Postgres
from harness.throttle import Throttle
from harness.waiting import moment


class World(Protocol):
    """What faults can reach."""
    database: str
    source: Postgres
    link: Throttle
    freshet: Freshet
    disk: Disk


def kill_freshet(world: World, rng: Random) -> None:
    world.freshet.kill()
    moment(rng.choice([0, 0, rng.uniform(0, 1)]))
    world.freshet.start()


def stop_freshet(world: World, rng: Random) -> None:
    code = world.freshet.stop()
    assert code == 0, f"Freshet ended with {code} at SIGTERM"
    moment(rng.uniform(0, 0.5))
    world.freshet.start()


def kill_freshet_at_its_start(world: World, rng: Random) -> None:
    world.freshet.kill()
    world.freshet.spawn()
    moment(rng.uniform(0, 0.6))
    world.freshet.kill()
    world.freshet.start()


def freeze_freshet(world: World, rng: Random) -> None:
    os.kill(world.freshet.pid, signal.SIGSTOP)
    moment(rng.uniform(0.1, 2))
    os.kill(world.freshet.pid, signal.SIGCONT)


def end_walsender(world: World, _rng: Random) -> None:
    _terminate(world, "backend_type = 'walsender'")


def end_copies(world: World, _rng: Random) -> None:
    _terminate(world, "query LIKE 'COPY%'")


def end_all_connections(world: World, _rng: Random) -> None:
    _terminate(world, "application_name LIKE 'freshet%'")


def _terminate(world: World, which: str) -> None:
    try:
        world.source.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                             f"datname = '{world.database}' AND pid <> pg_backend_pid() AND {which}")
    except psycopg.OperationalError:
        pass  # it was away already


def restart_postgres(world: World, rng: Random) -> None:
    world.source.stop("fast")
    moment(rng.uniform(0, 0.5))
    world.source.start()


def crash_postgres(world: World, rng: Random) -> None:
    world.source.stop("immediate")
    moment(rng.uniform(0, 0.5))
    world.source.start()


def crash_both(world: World, rng: Random) -> None:
    world.freshet.kill()
    world.source.stop("immediate")
    if rng.random() < 0.5:
        world.freshet.start()  # its source is away
        moment(rng.uniform(0, 0.3))
    world.source.start()
    if not world.freshet.running:
        world.freshet.start()


def cut_network(world: World, rng: Random) -> None:
    """At any byte, of either side."""
    sender = rng.choice(["server", "server", "client"])
    size = rng.choice([100, 3000, 100_000]) if sender == "server" else 300
    world.link.cut_after(sender, rng.randrange(size))


def silence_network(world: World, rng: Random) -> None:
    world.link.fall_silent()
    moment(rng.uniform(0.1, 1.5))
    if rng.random() < 0.5:
        world.link.cut()
    world.link.speak()


def fill_disk(world: World, rng: Random) -> None:
    world.disk.fill(rng.choice([0, rng.randrange(10_000), rng.randrange(1_000_000)]))
    moment(rng.uniform(0.3, 2))
    if rng.random() < 0.3:
        world.freshet.kill()  # with a full disk below it
        world.disk.make_room()
        world.freshet.start()
    world.disk.make_room()


def fail_sync(world: World, rng: Random) -> None:
    """Somebody repairs the disk and starts Freshet again."""
    world.disk.fail_syncs(rng.choice([1, 1, 5]))
    moment(rng.uniform(0.2, 1))
    world.freshet.kill()  # it may have ended by itself
    world.disk.fail_syncs(0)
    world.freshet.start()


ALL: list[Callable[[World, Random], None]] = [
    kill_freshet, stop_freshet, kill_freshet_at_its_start, freeze_freshet, end_walsender, end_copies,
    end_all_connections, restart_postgres, crash_postgres, crash_both, cut_network, silence_network,
    fill_disk, fail_sync,
]
