"""The memory that a copied table takes, and queries over it after updates, beside a table of DuckDB's
own with the same rows."""

import re
import statistics
import subprocess
import time

import data
from harness import compare, processes
from harness.freshet import Freshet
from harness.postgres import Postgres
from programs import build_baseline
from report import Figure

THREADS = 2

# The families that have a goal, by the first word; the others are told only.
GOAL = 1.6
WITH_GOAL = {"group by", "filter", "selective filter", "join"}

QUERIES = {
    "group by": "SELECT country, status, count(*), sum(amount), avg(score) FROM orders"
                " GROUP BY country, status",
    "filter": "SELECT count(*), sum(items) FROM orders WHERE placed >= '2026-02-01'"
              " AND placed < '2026-02-15' AND status = 'paid'",
    "selective filter": "SELECT count(*), sum(amount) FROM orders WHERE account = 77",
    "join": "SELECT a.segment, o.status, sum(o.amount), count(*) FROM orders o"
            " JOIN accounts a ON a.id = o.account WHERE o.items > 3 GROUP BY a.segment, o.status",
    "distinct": "SELECT count(DISTINCT account) FROM orders WHERE score < 0.5",
    "top": "SELECT id, reference, amount FROM orders ORDER BY amount DESC, id LIMIT 20",
}


def measure(rows: int, repeats: int) -> list[Figure]:
    source = Postgres("source", fsync=True, max_wal_size="16GB", shared_buffers="1GB").start()
    freshet = Freshet({"main": source.url()})
    try:
        data.create_orders(source, rows)
        data.create_accounts(source)
        freshet.start().wait_live("public.orders", seconds=600)
        result = [Figure("peak memory after the first copy", freshet.memory_peak_bytes() / 2**20,
                         "MiB")]
        freshet.wait_live(seconds=600)
        result += scan(source, freshet, rows, repeats)
        result += sizes(freshet, rows)
        result.append(Figure("peak memory after updates and queries",
                             freshet.memory_peak_bytes() / 2**20, "MiB"))
        return result
    finally:
        freshet.remove()
        source.remove()


def sizes(freshet: Freshet, rows: int) -> list[Figure]:
    """Bytes per row, by the metrics of the server itself."""
    text = freshet.get("/metrics")[1]
    found = []
    for what, word in {"key index": "index", "live-row map": "live|bitset"}.items():
        pattern = rf"^freshet_\w*(?:{word})\w*_bytes(?:\{{[^}}]*\}})? (\S+)$"
        values = [float(value) for value in re.findall(pattern, text, re.M)]
        if values:
            found.append(Figure(f"{what}, bytes per row", sum(values) / rows, "B"))
        else:
            print(f"  no metric tells the bytes of the {what}", flush=True)
    return found


def scan(source: Postgres, freshet: Freshet, rows: int, repeats: int) -> list[Figure]:
    """After random updates of a tenth of the rows, in transactions of a thousand."""
    source.execute(f"""DO $$ BEGIN FOR t IN 0..{rows // 10000 - 1} LOOP
      UPDATE orders SET status = 'paid', amount = amount + 1, score = random() WHERE id IN
        (SELECT 1 + (random() * {rows - 1})::bigint FROM generate_series(1, 1000));
      COMMIT; END LOOP; END $$""")
    freshet.wait_lsn(source, seconds=300)
    compare.assert_equal_tables(source, freshet, ["orders"])
    baseline = Baseline(source)
    figures = []
    try:
        with freshet.connect() as connection:
            for what, sql in QUERIES.items():
                ours, theirs = [], []
                for _ in range(repeats + 1):
                    ours.append(timed(connection, sql))
                    theirs.append(baseline.time(sql))
                # The first of each warms what there is to warm.
                a, b = statistics.median(ours[1:]), statistics.median(theirs[1:])
                print(f"  {what}: {a * 1000:.2f} ms, DuckDB {b * 1000:.2f} ms", flush=True)
                figures.append(Figure(f"{what} ÷ DuckDB's own table", a / b,
                                      at_most=GOAL if what in WITH_GOAL else None,
                                      details={"freshet_ms": a * 1000, "duckdb_ms": b * 1000,
                                               "sql": sql}))
    finally:
        baseline.close()
    return figures


def timed(connection, sql: str) -> float:
    began = time.perf_counter()
    compare.ask(connection, sql)
    return time.perf_counter() - began


class Baseline:
    """The program duckdb_baseline with a file database that holds the rows of the source."""

    def __init__(self, source: Postgres):
        self._folder = processes.folder("duckdb")
        self._process = processes.start([build_baseline(), self._folder / "own.duckdb", str(THREADS)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None)
        self._say("run CREATE TABLE orders (id BIGINT, account BIGINT, amount DECIMAL(12,2),"
                  " status VARCHAR, country VARCHAR, reference VARCHAR, note VARCHAR,"
                  " placed TIMESTAMPTZ, items INTEGER, score DOUBLE)")
        self._say("run CREATE TABLE accounts (id BIGINT, segment VARCHAR, city VARCHAR)")
        for table in ("orders", "accounts"):
            rows = self._folder / f"{table}.csv"
            with open(rows, "wb") as file:
                subprocess.run(["psql", "-XAtqc", f"COPY {table} TO STDOUT (FORMAT csv)",
                                source.url()], stdout=file, check=True)
            self._say(f"run COPY {table} FROM '{rows}' (FORMAT csv, HEADER false)")
            rows.unlink()
        self._say("run CHECKPOINT")

    def _say(self, command: str) -> str:
        self._process.stdin.write(command.encode() + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().decode().strip()
        assert answer, f"duckdb_baseline ended at: {command}"
        return answer

    def time(self, sql: str) -> float:
        return int(self._say("time " + sql).split()[0]) / 1e6

    def close(self) -> None:
        processes.end(self._process)
        processes.remove(self._folder)
