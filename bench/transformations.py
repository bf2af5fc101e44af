"""What transformations cost: a backlog of row changes until it is visible, with a collection made of the
table beside it ÷ with the plain mirror alone."""

import statistics
import time

import data
from harness.freshet import Freshet
from harness.postgres import Postgres
from harness.waiting import until
from report import Figure

TRANSFORMATION = (
    "SELECT id, CAST(account AS VARCHAR) AS account, CAST(amount AS DOUBLE) AS amount, upper(status) AS status,"
    " country, substr(reference, 5) AS reference, note, date_trunc('day', placed) AS day,"
    " CAST(items AS BIGINT) AS items, score * 100 AS score FROM _input WHERE status <> 'returned'")
ROLLUP = ("SELECT account % 1000 AS bucket, count(*) AS orders, sum(amount) AS total, avg(items) AS mean"
          " FROM _input GROUP BY bucket")
CASES = {"nothing": None, "transformation": TRANSFORMATION, "rollup": ROLLUP}


def measure(size: int, rounds: int) -> list[Figure]:
    took: dict[str, list[float]] = {case: [] for case in CASES}
    for round_number in range(1, rounds + 1):
        for case, sql in CASES.items():
            took[case].append(catch_up(size, sql))
        print(f"  round {round_number}",
              {case: round(times[-1], 2) for case, times in took.items()}, flush=True)
    plain = statistics.median(took["nothing"])

    def ratio(case: str) -> float:
        return plain / statistics.median(took[case])

    return [
        Figure("a filtered, casting, 10-column transformation, throughput ÷ plain mirror",
               ratio("transformation"), at_least=0.5),
        Figure("a rollup of 1,000 groups, throughput ÷ plain mirror", ratio("rollup"), at_least=0.3),
    ]


def catch_up(size: int, sql: str | None) -> float:
    """Seconds from the start until half a table of inserts and as many updates are visible."""
    source = Postgres("source", fsync=True, max_wal_size="16GB", shared_buffers="1GB").start()
    freshet = Freshet({"main": source.url()})
    try:
        data.create_orders(source, size)
        freshet.start().wait_live(seconds=600)
        if sql:
            freshet.execute(f"CREATE COLLECTION made FROM orders AS {sql}")
            until("it is filled", lambda: freshet.value(
                "SELECT state FROM freshet.tables WHERE name = 'made'") == "live", 300)
        freshet.stop()
        source.execute(f"""DO $$ BEGIN FOR t IN 0..{size // 10000 - 1} LOOP
          INSERT INTO orders SELECT {data.row('i')} FROM generate_series({size} + t * 5000 + 1,
            {size} + t * 5000 + 5000) i;
          UPDATE orders SET amount = amount + 1, status = 'paid' WHERE id > t * 5000 AND id <= t * 5000 + 5000;
          COMMIT; END LOOP; END $$""")
        began = time.monotonic()
        freshet.start()
        freshet.wait_lsn(source, seconds=600)
        return time.monotonic() - began
    finally:
        freshet.remove()
        source.remove()
