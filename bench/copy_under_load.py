"""What a source notices of the first copy of a large table while it is written to: the WAL that our
slot holds, and how long it waits for a word of ours."""

import statistics
import threading

import data
from harness import compare, pgbench
from harness.freshet import Freshet
from harness.postgres import Postgres
from report import Figure

PATIENCE = "2s"  # wal_sender_timeout: we have to say something about three times in it

# The WAL our slot holds, and how old the last word from us is, on our own clock.
SEEN = ("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::float8,"
        " extract(epoch FROM clock_timestamp() - r.reply_time)::float8"
        " FROM pg_replication_slots s LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid"
        " WHERE s.slot_name = 'freshet_main'")


class Watch:
    """Looks twenty times a second, from a thread of its own."""

    def __init__(self, source: Postgres):
        self.held: list[float] = []
        self.ages: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(source,), daemon=True)

    def _run(self, source: Postgres) -> None:
        with source.connect() as connection:
            while not self._stop.wait(0.05):
                for held, age in connection.execute(SEEN):
                    if held is not None:
                        self.held.append(held)
                    if age is not None:
                        self.ages.append(age)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(10)


def measure(rows: int, rounds: int) -> list[Figure]:
    held, ages, written, worst = [], [], [], []
    for number in range(rounds):
        source = Postgres("source", fsync=True, max_wal_size="16GB", shared_buffers="1GB",
                          wal_sender_timeout=PATIENCE).start()
        freshet = Freshet({"main": source.url()})
        try:
            data.create_orders(source, rows)
            pgbench.initialize(source, scale=20)
            writer = pgbench.Writer(source, clients=8)
            pgbench.wait_committed(source, 1000)
            before = source.value("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
            with Watch(source) as watch:
                freshet.start().wait_live("public.orders", *pgbench.TABLES, seconds=900)
                while len(watch.ages) < 400:  # the copy was quick: full load goes on
                    pgbench.wait_committed(source, 500)
            written.append(float(source.value("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
                                 - before) / 2**20)
            writer.stop()
            freshet.wait_lsn(source, seconds=300)
            if number == 0:
                compare.assert_equal_tables(source, freshet)
            ordered = sorted(watch.ages)
            held.append(max(watch.held) / 2**20)
            ages.append(ordered[int(len(ordered) * 0.99)])
            worst.append(ordered[-1])
            print(f"  WAL held {held[-1]:.0f} MiB of {written[-1]:.0f} MiB written; our last word"
                  f" was p99 {ages[-1]:.2f} s, at most {worst[-1]:.2f} s old", flush=True)
        finally:
            freshet.remove()
            source.remove()
    return [
        Figure("WAL held on the source during a copy under load, at most", statistics.median(held),
               "MiB", rounds=held, details={"rows": rows, "wal_written_mib": written}),
        Figure("age of our last word to the source under full load, p99", statistics.median(ages),
               "s", at_most=1.0, rounds=ages, details={"patience": PATIENCE, "at_most_s": worst})]
