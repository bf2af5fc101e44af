"""Commit acknowledged → visible to a query, while pgbench writes at a steady rate."""

import statistics
import subprocess
import time

from harness import pgbench
from harness.freshet import Freshet
from harness.postgres import Postgres
from programs import build_probe
from report import Figure

RATE = 500  # TPC-B transactions per second, each of five changes


def measure(samples: int, rounds: int) -> list[Figure]:
    probe = build_probe()
    source = Postgres("source", fsync=True, synchronous_commit="on", shared_buffers="512MB").start()
    freshet = None
    try:
        pgbench.initialize(source, scale=10)
        source.execute("CREATE TABLE probe (id int PRIMARY KEY, n int);"
                       "INSERT INTO probe VALUES (1, 0)")
        freshet = Freshet({"main": source.url()}).start().wait_live(seconds=300)
        medians, tails, written = [], [], []
        for number in range(rounds):
            writer = pgbench.Writer(source, clients=4, rate=RATE)
            pgbench.wait_committed(source, RATE)
            before = source.value("SELECT count(*) FROM pgbench_history")
            began = time.monotonic()
            out = subprocess.run([probe, source.url(), freshet.sql_url.replace("//", "//reader@"),
                                  str(samples)], capture_output=True, text=True, check=True).stdout
            took = time.monotonic() - began
            written.append((source.value("SELECT count(*) FROM pgbench_history") - before) / took)
            writer.stop()
            latencies = sorted(int(line) / 1000 for line in out.split())
            assert len(latencies) == samples
            medians.append(statistics.median(latencies))
            tails.append(latencies[int(len(latencies) * 0.99)])
            source.execute("UPDATE probe SET n = 0")
            freshet.wait_lsn(source)
            print(f"  round {number + 1}: p50 {medians[-1]:.1f} ms, p99 {tails[-1]:.1f} ms,"
                  f" max {latencies[-1]:.1f} ms, at {written[-1]:.0f} tx/s", flush=True)
        details = {"samples_per_round": samples}
        return [Figure("freshness at 500 tx/s, p50", statistics.median(medians), "ms", at_most=10,
                       rounds=medians, details=details),
                Figure("freshness at 500 tx/s, p99", statistics.median(tails), "ms", at_most=100,
                       rounds=tails),
                Figure("transactions/s reached meanwhile (500 asked)", statistics.median(written),
                       "tx/s", rounds=written)]
    finally:
        if freshet:
            freshet.remove()
        source.remove()
