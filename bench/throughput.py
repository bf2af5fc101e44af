"""What following costs the one who writes: pgbench alone, with pg_recvlogical, with Freshet attached,
all on the same cores."""

import re
import statistics
import subprocess

from harness import pgbench, processes
from harness.freshet import Freshet
from harness.postgres import Postgres, bin_folder
from harness.waiting import until
from report import Figure


def measure(seconds: int, rounds: int) -> list[Figure]:
    source = Postgres("source", fsync=True, shared_buffers="512MB").start()
    freshet = None
    try:
        pgbench.initialize(source, scale=20)
        freshet = Freshet({"main": source.url()}).start().wait_live(seconds=300)
        freshet.stop(seconds=60)
        rates = {"alone": [], "walsender": [], "freshet": []}
        for number in range(rounds):
            rates["alone"].append(run_pgbench(source, seconds))
            follower = follow(source, f"walsender_{number}")
            rates["walsender"].append(run_pgbench(source, seconds))
            processes.end(follower)
            drop_slot(source, f"walsender_{number}")
            freshet.start()
            freshet.wait_lsn(source, seconds=300)
            rates["freshet"].append(run_pgbench(source, seconds))
            freshet.wait_lsn(source, seconds=300)
            freshet.stop(seconds=60)
            print("  round", number + 1, {k: round(v[-1]) for k, v in rates.items()}, "tx/s", flush=True)

        def loss(what: str) -> Figure:
            losses = [100 * (1 - b / a) for a, b in zip(rates["alone"], rates[what])]
            return Figure({"freshet": "loss of pgbench's throughput with Freshet attached",
                           "walsender": "the same with pg_recvlogical alone"}[what],
                          statistics.median(losses), "%", rounds=losses)

        return [Figure("pgbench TPC-B alone", statistics.median(rates["alone"]), "tx/s",
                       rounds=rates["alone"], details=rates), loss("freshet"), loss("walsender")]
    finally:
        if freshet:
            freshet.remove()
        source.remove()


def run_pgbench(source: Postgres, seconds: int) -> float:
    out = subprocess.run(["pgbench", "-n", "-c", "8", "-j", "1", "-T", str(seconds), source.url()],
                         capture_output=True, text=True, check=True).stdout
    return float(re.search(r"tps = ([\d.]+)", out)[1])


def follow(source: Postgres, slot: str):
    source.execute(f"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')")
    return processes.start(
        [bin_folder() / "pg_recvlogical", "--start", f"--slot={slot}", "--file=/dev/null",
         "-o", "proto_version=1", "-o", "publication_names=freshet_main,freshet_main_inserts",
         "-o", "binary=true", f"--dbname={source.url()}"], stdout=None, stderr=None)


def drop_slot(source: Postgres, slot: str) -> None:
    """So that it neither decodes nor holds WAL in the next measurement."""
    until(f"slot {slot} is free", lambda: not source.value(
        f"SELECT active FROM pg_replication_slots WHERE slot_name = '{slot}'"))
    source.execute(f"SELECT pg_drop_replication_slot('{slot}')")
