"""Threads that read from Freshet all the time: every answer must show whole transactions."""

import threading
from random import Random

import psycopg

from harness.disk import Disk
from harness.freshet import Freshet
from harness.waiting import moment
from oracle.schema import Table

BALANCE = "(SELECT sum(amount) FROM ledger_a) + (SELECT sum(amount) FROM ledger_b)"
# A table that is being copied cannot be read (55000); one that is renamed or new is not there.
_NOT_YET = {"55000", "42P01", "42703"}
_AWAY = ("08", "57P", "53")


def fingerprint(table: str) -> str:
    """What one table knows about the transactions there were: how many, and which."""
    return (f"(SELECT count(mark)::text || ' marks, sum ' || coalesce(sum(mark), 0)::text"
            f" FROM {table} WHERE mark IS NOT NULL)")


class Reader(threading.Thread):
    """In one statement: the marks of several tables, which must be the same, and the books, which
    must balance. Marks never become fewer, whatever is killed in between."""

    def __init__(self, freshet: Freshet, disk: Disk, tables: list[Table], rng: Random):
        super().__init__(daemon=True, name="reader")
        self._freshet = freshet
        self._disk = disk
        self._tables = tables
        self._rng = rng
        self._stopping = threading.Event()
        self._most_marks = 0
        self.reads = 0
        self.refused = 0
        self.violations: list[str] = []
        self.surprises: list[str] = []

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._freshet.connect(connect_timeout=5) as connection:
                    connection.execute("SET statement_timeout = '60s'")
                    while not self._stopping.is_set():
                        self._read(connection)
            except (psycopg.OperationalError, psycopg.InterfaceError) as loss:
                if loss.sqlstate and not loss.sqlstate.startswith(_AWAY):
                    self.surprises.append(f"{loss.sqlstate}: {loss}")
                moment(0.05)
            except psycopg.Error as error:
                self.surprises.append(f"{error.sqlstate}: {error}")
                return

    def _read(self, connection: psycopg.Connection) -> None:
        names = ["marks", *(table.name for table in list(self._tables))]
        chosen = self._rng.sample(names, self._rng.randrange(2, len(names) + 1))
        try:
            before = _copies(connection)
            row = connection.execute(
                f"SELECT {BALANCE}, {', '.join(fingerprint(name) for name in chosen)}").fetchone()
            after = _copies(connection)
        except psycopg.Error as error:
            # After a failed sync the engine answers nothing until the server is started again.
            broken = self._disk.failed_syncs > 0 and "invalidated" in str(error)
            if error.sqlstate not in _NOT_YET and not broken:
                raise
            self.refused += 1
            moment(0.02)
            return
        self.reads += 1
        following = {name for name, copy in before.items() if after.get(name) == copy}
        self._check(row[0], {name: seen for name, seen in zip(chosen, row[1:]) if name in following})

    def _check(self, balance, marks: dict[str, str]) -> None:
        if balance != 0:
            self.violations.append(f"the books are off by {balance}")
        if not marks:
            return
        if len(set(marks.values())) != 1:
            self.violations.append("half a transaction: " + "; ".join(
                f"{name} has {seen}" for name, seen in marks.items()))
        name, seen = next(iter(marks.items()))
        count = int(seen.split()[0])
        if count < self._most_marks:
            self.violations.append(f"{name} went back: {count} marks after {self._most_marks}")
        self._most_marks = max(self._most_marks, count)


def _copies(connection: psycopg.Connection) -> dict[str, str]:
    """The tables that follow the source, and which copy of each. One that was altered and is copied again
    shows its rows of before meanwhile, and says so."""
    return dict(connection.execute(
        "SELECT name, copied_lsn FROM freshet.tables WHERE state = 'live'").fetchall())
