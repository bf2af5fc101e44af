"""Threads that run transactions on the source, through lost connections and restarts of it."""

import threading
from collections import Counter
from collections.abc import Callable
from random import Random

import psycopg

from harness.postgres import Postgres
from harness.waiting import moment
from oracle.ddl import DdlMaker
from oracle.transactions import Maker

# What a transaction may meet among others, and among changes of tables: it is rolled back.
_MEETS = {
    "40001", "40P01",  # serialization, deadlock
    "55P03", "57014",  # lock not available, cancelled
    "23505",  # a key that is taken
    "42703", "42P01", "42804", "42701", "42P10", "42704", "42P07",  # a table that has changed meanwhile
    "0A000",  # a plan whose type has changed
    "54000",  # a row that has grown too large for a page
}
_AWAY = ("08", "57P", "53")


class Writer(threading.Thread):
    """One connection that writes until it is told to stop. What it does is kept in `history`."""

    def __init__(self, source: Postgres, database: str, number: int, rng: Random, pause: float):
        super().__init__(daemon=True, name=f"writer {number}")
        self._source = source
        self._database = database
        self._number = number
        self._rng = rng
        self._pause = pause
        self._stopping = threading.Event()
        self._prepared: list[str] = []
        self.outcomes: Counter[str] = Counter()
        self.history: list[str] = []
        self.surprises: list[str] = []

    @property
    def commits(self) -> int:
        return self.outcomes["committed"]

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._source.connect(self._database, prepare_threshold=None) as connection:
                    self._resolve(connection)
                    self._finish_prepared(connection)
                    while not self._stopping.is_set():
                        self._one(connection)
                        self._stopping.wait(self._rng.expovariate(1 / self._pause))
                    self._finish_prepared(connection)
            except psycopg.OperationalError as loss:
                self._note_loss(loss)
                moment(0.05)
            except psycopg.Error as error:
                self.surprises.append(f"{error.sqlstate}: {error}")
                return

    def _note_loss(self, loss: psycopg.OperationalError) -> None:
        self.outcomes["lost"] += 1
        if loss.sqlstate and not loss.sqlstate.startswith(_AWAY):
            self.surprises.append(f"{loss.sqlstate}: {loss}")

    def _one(self, connection: psycopg.Connection) -> None:
        raise NotImplementedError

    def _resolve(self, connection: psycopg.Connection) -> None:
        """After a lost connection: finds out what became of what was being committed."""

    def _run(self, connection: psycopg.Connection, statements: list[str], end: str) -> bool:
        """True when it was committed, or prepared."""
        done = "BEGIN"
        try:
            for statement in ["BEGIN", *statements, end]:
                done = statement
                connection.execute(statement)
        except psycopg.Error as error:
            self._note(f"{error.sqlstate} at {done}")
            if error.sqlstate in _MEETS:
                self.outcomes[error.sqlstate] += 1
                connection.execute("ROLLBACK")
                return False
            raise
        self._note(end)
        return end != "ROLLBACK"

    def _note(self, what: str) -> None:
        self.history.append(f"{self._number}: {what[:300]}")

    def _finish_prepared(self, connection: psycopg.Connection) -> None:
        """Ends what was prepared; a lost connection may have hidden how far it got."""
        mine = connection.execute("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
                                  f" AND gid LIKE '{self._number}:%'").fetchall() if self._prepared else []
        for (gid,) in mine:
            how = self._rng.choice(["COMMIT", "COMMIT", "ROLLBACK"])
            connection.execute(f"{how} PREPARED '{gid}'")
            self.outcomes["committed" if how == "COMMIT" else "rolled back"] += 1
            self._note(f"{how} PREPARED {gid}")
        self._prepared.clear()


class RowWriter(Writer):
    def __init__(self, *arguments, maker: Maker):
        super().__init__(*arguments)
        self._maker = maker

    def _one(self, connection: psycopg.Connection) -> None:
        transaction = self._maker.make()
        for statement in transaction.statements:
            self._note(statement)
        end = transaction.end
        if end == "PREPARE":
            gid = f"{self._number}:{transaction.mark}"
            self._prepared.append(gid)
            end = f"PREPARE TRANSACTION '{gid}'"
        if not self._run(connection, transaction.statements, end):
            self.outcomes["rolled back"] += 1
        elif transaction.end == "COMMIT":
            self.outcomes["committed"] += 1
        else:
            self._finish_prepared(connection)


class DdlWriter(Writer):
    def __init__(self, *arguments, maker: DdlMaker):
        super().__init__(*arguments)
        self._maker = maker
        self._in_doubt: tuple[int, Callable[[], None]] | None = None

    def _one(self, connection: psycopg.Connection) -> None:
        mark, statements, committed = self._maker.make()
        for statement in statements:
            self._note(statement)
        self._in_doubt = (mark, committed)
        if self._run(connection, statements, "COMMIT"):
            self.outcomes["committed"] += 1
            committed()
        self._in_doubt = None

    def _resolve(self, connection: psycopg.Connection) -> None:
        if self._in_doubt is None:
            return
        mark, committed = self._in_doubt
        self._in_doubt = None
        if connection.execute(f"SELECT 1 FROM marks WHERE mark = {mark}").fetchone():
            committed()
