"""pgbench's TPC-B as a writer, and the reader that checks its invariant while it writes.

Each transaction adds one amount to an account, a teller and a branch and records it in the history:
the four sums are equal after every commit. A reader that ever sees them differ has seen half a
transaction.
"""

import re
import subprocess
import threading

import psycopg

from harness import processes
from harness.freshet import Freshet
from harness.postgres import Postgres
from harness.waiting import Overdue, until

TABLES = ["public.pgbench_accounts", "public.pgbench_branches", "public.pgbench_history",
          "public.pgbench_tellers"]

SUMS = ("SELECT (SELECT sum(abalance) FROM pgbench_accounts),"
        " (SELECT sum(tbalance) FROM pgbench_tellers),"
        " (SELECT sum(bbalance) FROM pgbench_branches),"
        " (SELECT coalesce(sum(delta), 0) FROM pgbench_history)")


def initialize(source: Postgres, scale: int, foreign_keys: bool = False,
               database: str = "postgres") -> None:
    options = ["--foreign-keys"] if foreign_keys else []
    subprocess.run(["pgbench", "--initialize", "--quiet", f"--scale={scale}", *options,
                    source.url(database)], check=True, capture_output=True)


class Writer:
    """pgbench in the background; it may be told to go on after lost connections."""

    def __init__(self, source: Postgres, clients: int = 4, seconds: int = 600,
                 database: str = "postgres", rate: int | None = None):
        self._output = open(processes.folder("pgbench") / "output", "w+b")
        throttle = [f"--rate={rate}"] if rate else []
        self._process = processes.start(
            ["pgbench", "--no-vacuum", f"--client={clients}", "--jobs=1", f"--time={seconds}",
             *throttle, source.url(database)], stdout=self._output, stderr=subprocess.STDOUT)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """Ends the writing at once; transactions that were open are rolled back."""
        processes.end(self._process)

    def wait(self, seconds: float = 120) -> str:
        """Waits for the end of its time; what it printed."""
        self._process.wait(timeout=seconds)
        output = self.output()
        assert self._process.returncode == 0, output
        return output

    def output(self) -> str:
        self._output.seek(0)
        return self._output.read().decode(errors="replace")


def transactions(output: str) -> int:
    return int(re.search(r"number of transactions actually processed: (\d+)", output)[1])


def wait_committed(source: Postgres, count: int, database: str = "postgres") -> None:
    """Waits until the history has `count` transactions more than now."""
    sql = "SELECT count(*) FROM pgbench_history"
    wanted = source.value(sql, database) + count
    until(f"{count} more transactions", lambda: source.value(sql, database) >= wanted, seconds=60)


class InvariantReader:
    """Reads the sums from Freshet in a thread of its own, again and again, through lost connections
    and restarts. Every answer counts; a violation is kept and fails the test at stop().

    Until all tables were copied they cannot be read: SQLSTATE 55000 says so (and 42P01 while the
    source was not even looked at), and is no read. Once they are live it must not come again.
    """

    def __init__(self, freshet: Freshet, sql: str = SUMS):
        self._freshet = freshet
        self._sql = sql
        self._stop = threading.Event()
        self.reads = 0
        self.refused = 0
        self.last_loss = ""
        self.distinct: set[tuple] = set()
        self.violations: list[tuple] = []
        self.surprises: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait_reads(self, count: int, seconds: float = 120) -> None:
        try:
            until(f"{count} reads of the invariant",
                  lambda: self.reads >= count or self.violations or self.surprises, seconds)
        except Overdue as overdue:
            raise Overdue(f"{overdue} (took {self.reads}, {self.refused} while tables were copied;"
                          f" last lost connection: {self.last_loss})") from None
        self.check()

    def stop(self) -> int:
        """Ends the reading and returns how many answers it took, all of them right."""
        self._stop.set()
        self._thread.join(timeout=60)
        assert not self._thread.is_alive(), "a read of the invariant never ended"
        self.check()
        return self.reads

    def check(self) -> None:
        assert not self.violations, (
            f"{len(self.violations)} of {self.reads} reads saw half a transaction: "
            f"accounts, tellers, branches, history = {self.violations[:5]}")
        assert not self.surprises, f"reads failed with: {self.surprises[:5]}"

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._freshet.connect() as connection:
                    while not self._stop.is_set():
                        self._read(connection)
            except (psycopg.OperationalError, psycopg.InterfaceError) as loss:
                self.last_loss = str(loss)  # it is down: a test of crashes does that
                if loss.sqlstate and not loss.sqlstate.startswith(("08", "57P")):
                    self.surprises.append(f"{loss.sqlstate}: {loss}")
                self._stop.wait(0.05)
            except psycopg.Error as error:
                self.surprises.append(f"{error.sqlstate}: {error}")
                self._stop.wait(0.5)

    def _read(self, connection: psycopg.Connection) -> None:
        try:
            sums = connection.execute(self._sql).fetchone()
        except (psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.UndefinedTable) as early:
            if self.reads:
                self.surprises.append(f"refused after it was live: {early}")
            self.refused += 1
            self._stop.wait(0.05)
            return
        self.reads += 1
        self.distinct.add(sums)
        if len(set(sums)) != 1:
            self.violations.append(sums)
