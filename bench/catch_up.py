"""How fast a backlog of row changes is caught up with: Freshet beside pg_recvlogical and beside
PostgreSQL's own subscription, all from copies of one slot."""

import shutil
import statistics
import subprocess
import time

import data
from harness import compare, processes
from harness.freshet import Freshet
from harness.postgres import Postgres, bin_folder
from harness.waiting import until
from report import Figure

SLOT = "freshet_main"
PUBLICATIONS = "freshet_main,freshet_main_inserts"
CHANGES_PER_TRANSACTION = 100


def measure(size: int, rounds: int) -> list[Figure]:
    """`size`: row changes in the backlog. Half updates, two fifths inserts, a tenth deletes."""
    world = World(size)
    try:
        took = {"drain": [], "freshet": [], "subscription": []}
        for number in range(rounds):
            took["drain"].append(world.drain(number))
            took["freshet"].append(world.freshet_catches_up(number))
            took["subscription"].append(world.subscription_catches_up(number))
            print("  round", number + 1, {k: round(v[-1], 2) for k, v in took.items()}, flush=True)
        return figures(size, took)
    finally:
        world.close()


def figures(size: int, took: dict[str, list[float]]) -> list[Figure]:
    to_drain = [a / b for a, b in zip(took["drain"], took["freshet"])]
    to_subscription = [a / b for a, b in zip(took["subscription"], took["freshet"])]
    rates = {name: [size / seconds for seconds in all_] for name, all_ in took.items()}
    return [
        Figure("catch-up ÷ pg_recvlogical to /dev/null", statistics.median(to_drain),
               at_least=0.8, rounds=to_drain, details={"seconds": took, "changes": size}),
        Figure("catch-up ÷ PostgreSQL's subscription", statistics.median(to_subscription),
               at_least=1.2, rounds=to_subscription),
        Figure("catch-up", statistics.median(rates["freshet"]), "changes/s", rounds=rates["freshet"]),
        Figure("pg_recvlogical", statistics.median(rates["drain"]), "changes/s",
               rounds=rates["drain"]),
        Figure("PostgreSQL's subscription", statistics.median(rates["subscription"]), "changes/s",
               rounds=rates["subscription"]),
    ]


class World:
    def __init__(self, size: int):
        self.rows = size // 2
        self.source = Postgres("source", fsync=True, logical_decoding_work_mem="64MB",
                               max_wal_size="16GB", shared_buffers="512MB").start()
        self.subscriber = Postgres("subscriber", fsync=True, shared_buffers="512MB").start()
        self.freshet = None
        data.create_orders(self.source, self.rows)
        self.source.execute("CREATE TABLE marker (id int PRIMARY KEY)")
        self._prepare_subscriber()
        self.freshet = Freshet({"main": self.source.url()}).start().wait_live(seconds=300)
        self.freshet.wait_lsn(self.source)
        assert self.freshet.stop(seconds=60) == 0
        until("the slot is free", lambda: not self.source.walsenders())
        self.caught_up = self.freshet.folder / "before"
        shutil.copytree(self.freshet.data, self.caught_up)
        # Positions are kept by copies of the slot: each follower of each round gets a fresh one.
        self.source.execute(f"SELECT pg_copy_logical_replication_slot('{SLOT}', 'start')")
        self._make_backlog(size)

    def close(self) -> None:
        for server in (self.freshet, self.subscriber, self.source):
            if server:
                server.remove()

    def _prepare_subscriber(self) -> None:
        """A database with the same rows, to be the template of each round's subscriber."""
        self.subscriber.create_database("base")
        self.subscriber.execute(f"CREATE TABLE orders ({data.COLUMNS});"
                                "CREATE TABLE marker (id int PRIMARY KEY)", "base")
        copying_out = processes.start(["psql", "-XAtqc", "COPY orders TO STDOUT (FORMAT binary)",
                                       self.source.url()], stdout=subprocess.PIPE, stderr=None)
        subprocess.run(["psql", "-Xqc", "COPY orders FROM STDIN (FORMAT binary)",
                        self.subscriber.url("base")], stdin=copying_out.stdout, check=True)

    def _make_backlog(self, size: int) -> None:
        n = CHANGES_PER_TRANSACTION
        updates, inserts, deletes = n // 2, n * 2 // 5, n // 10
        self.source.execute(f"""DO $$ BEGIN FOR t IN 0..{size // n - 1} LOOP
          UPDATE orders SET status = 'changed', amount = amount + 1, score = random()
            WHERE id IN (SELECT 1 + (t * {updates} + i) * 7919::bigint % {self.rows // 2}
                         FROM generate_series(0, {updates - 1}) i);
          INSERT INTO orders SELECT {data.row('i')}
            FROM generate_series({self.rows} + 1 + t * {inserts}, {self.rows} + (t + 1) * {inserts}) i;
          DELETE FROM orders WHERE id BETWEEN {self.rows // 2} + 1 + t * {deletes}
            AND {self.rows // 2} + (t + 1) * {deletes};
          COMMIT; END LOOP; END $$""")
        self.source.execute("INSERT INTO marker VALUES (1)")
        self.end = self.source.lsn()
        self.source.execute("CHECKPOINT")

    def _slot(self, name: str) -> str:
        self._drop(name)
        self.source.execute(f"SELECT pg_copy_logical_replication_slot('start', '{name}')")
        return name

    def _drop(self, name: str) -> None:
        until(f"slot {name} is free", lambda: not self.source.value(
            f"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{name}' AND active"))
        self.source.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                            f" WHERE slot_name = '{name}'")

    def drain(self, number: int) -> float:
        slot = self._slot(f"drain_{number}")
        began = time.monotonic()
        subprocess.run([bin_folder() / "pg_recvlogical", "--start", f"--slot={slot}",
                        f"--endpos={self.end}", "--file=/dev/null", "-o", "proto_version=1",
                        "-o", f"publication_names={PUBLICATIONS}", "-o", "binary=true",
                        f"--dbname={self.source.url()}"], check=True)
        took = time.monotonic() - began
        self._drop(slot)
        return took

    def freshet_catches_up(self, number: int) -> float:
        shutil.rmtree(self.freshet.data)
        shutil.copytree(self.caught_up, self.freshet.data)
        self._slot(SLOT)
        began = time.monotonic()
        self.freshet.start()
        with self.freshet.connect() as reader:
            until("the last change is visible", lambda: reader.execute(
                "SELECT count(*) FROM marker").fetchone() == (1,), seconds=600, every=0.005)
        took = time.monotonic() - began
        if number == 0:
            self.freshet.wait_lsn(self.source)
            compare.assert_equal_tables(self.source, self.freshet)
        assert self.freshet.stop(seconds=60) == 0
        return took

    def subscription_catches_up(self, number: int) -> float:
        slot, database = self._slot(f"subscription_{number}"), f"round_{number}"
        self.subscriber.execute(f"CREATE DATABASE {database} TEMPLATE base")
        self.subscriber.execute("CHECKPOINT")
        self.subscriber.execute(
            f"CREATE SUBSCRIPTION s CONNECTION '{self.source.url()}' PUBLICATION {PUBLICATIONS} WITH"
            f" (slot_name = {slot}, create_slot = false, copy_data = false, enabled = false,"
            " binary = true, synchronous_commit = off)", database)
        with self.subscriber.connect(database) as reader:
            began = time.monotonic()
            reader.execute("ALTER SUBSCRIPTION s ENABLE")
            until("the last change is visible", lambda: reader.execute(
                "SELECT count(*) FROM marker").fetchone() == (1,), seconds=600, every=0.005)
            took = time.monotonic() - began
            reader.execute("ALTER SUBSCRIPTION s DISABLE")
            reader.execute("ALTER SUBSCRIPTION s SET (slot_name = NONE)")
            reader.execute("DROP SUBSCRIPTION s")
        self._drop(slot)
        self.subscriber.execute(f"DROP DATABASE {database} WITH (FORCE)")
        return took
