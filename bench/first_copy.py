"""The first copy of a large table with one connection and with two, beside as many connections that
COPY it to the null device; and what it costs us in processor time."""

import os
import statistics
import subprocess
import time
from pathlib import Path

import data
from harness import compare, processes
from harness.freshet import Freshet
from harness.postgres import Postgres
from harness.waiting import until
from report import Figure

WORKERS = (1, 2)


def measure(rows: int, rounds: int) -> list[Figure]:
    source = Postgres("source", fsync=True, max_wal_size="16GB", shared_buffers="1GB").start()
    try:
        data.create_orders(source, rows)
        drains = {workers: [] for workers in WORKERS}
        copies = {workers: [] for workers in WORKERS}
        cpu = {workers: [] for workers in WORKERS}
        for number in range(rounds):
            for workers in WORKERS:
                drains[workers].append(copy_to_null(source, workers))
                seconds, of_cpu = copy(source, workers, check=number == 0)
                copies[workers].append(seconds)
                cpu[workers].append(rows / of_cpu)
                print(f"  {workers} worker{'s' if workers > 1 else ''}: copy {seconds:.2f} s,"
                      f" {of_cpu:.2f} s of processor time,"
                      f" COPY to /dev/null {drains[workers][-1]:.2f} s", flush=True)
        return [figure for workers in WORKERS
                for figure in figures(rows, workers, copies[workers], drains[workers], cpu[workers])]
    finally:
        source.remove()


def figures(rows: int, workers: int, copies: list[float], drains: list[float],
            cpu: list[float]) -> list[Figure]:
    with_ = f"{workers} worker{'s' if workers > 1 else ''}"
    ratios = [a / b for a, b in zip(copies, drains)]
    return [
        Figure(f"first copy, {with_} ÷ as many COPY (FORMAT binary) to /dev/null",
               statistics.median(ratios), at_most=2.0 if workers == 1 else None, rounds=ratios,
               details={"rows": rows, "copy_s": copies, "copy_to_null_s": drains}),
        Figure(f"first copy, {with_}", rows / statistics.median(copies), "rows/s",
               rounds=[rows / seconds for seconds in copies]),
        Figure(f"rows per second of our processor time, {with_}", statistics.median(cpu),
               "rows/CPU-s", rounds=cpu)]


def copy(source: Postgres, workers: int, check: bool) -> tuple[float, float]:
    """Seconds from the start of the server until the table is live, and of processor time."""
    freshet = Freshet({"copying": source.url()}, name="copying",
                      options=["--copy-workers", str(workers)])
    try:
        began = time.monotonic()
        wait_live(freshet.start())
        took, of_cpu = time.monotonic() - began, cpu_seconds(freshet.pid)
        if check:
            freshet.wait_lsn(source)
            compare.assert_equal_tables(source, freshet, ["orders"])
        freshet.stop(seconds=60)
        return took, of_cpu
    finally:
        freshet.remove()
        until("the slot is free", lambda: not source.walsenders())
        source.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


def wait_live(freshet: Freshet) -> None:
    """On one connection and seldom: there are no more cores than the copy itself needs."""
    with freshet.connect() as connection:
        until("orders is live", lambda: connection.execute(
            "SELECT state FROM freshet.tables WHERE name = 'orders'").fetchall() == [("live",)],
            seconds=600, every=0.05)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def copy_to_null(source: Postgres, connections: int) -> float:
    """The table in as many ranges of pages."""
    pages = source.value("SELECT pg_relation_size('orders') / 8192")
    bounds = [pages * i // connections for i in range(1, connections)]
    commands = []
    for low, high in zip([None, *bounds], [*bounds, None]):
        limits = [f"ctid >= '({low},0)'"] if low else []
        limits += [f"ctid < '({high},0)'"] if high else []
        what = f"(SELECT * FROM orders WHERE {' AND '.join(limits)})" if limits else "orders"
        commands.append(f"COPY {what} TO STDOUT (FORMAT binary)")
    began = time.monotonic()
    running = [processes.start(["psql", "-XAtqc", command, source.url()],
                               stdout=subprocess.DEVNULL, stderr=None) for command in commands]
    for process in running:
        assert process.wait(timeout=600) == 0
    return time.monotonic() - began
