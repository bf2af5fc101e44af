"""One round: a source is filled, mirrored, written to, broken; in the end both sides are equal."""

import time
from random import Random

from harness import compare
from harness.disk import Disk
from harness.postgres import Postgres
from harness.waiting import Overdue, moment, until
from oracle.ddl import DdlMaker
from oracle.plan import Fault, Plan
from oracle.readers import BALANCE, Reader, fingerprint
from oracle.schema import copied
from oracle.transactions import BOOKS, Maker, bulk
from oracle.writers import DdlWriter, RowWriter, Writer

_READERS = 2
_PAUSE = 0.02  # seconds between two transactions of a writer, on average


class Round:
    """`servers` starts what the round needs; the source may have been used by rounds before."""

    def __init__(self, servers, source: Postgres, plan: Plan):
        self.plan = plan
        self.source = source
        self.database = f"round_{plan.seed}"
        self.link = servers.link(source, plan.link_bytes_per_second or 1e12)
        self.freshet = servers.freshet({self.database: self.link.url(self.database)})
        self.freshet.expects_faults()
        self.disk = Disk(self.freshet)
        self.tables = [copied(table) for table in plan.tables]
        self.writers: list[Writer] = []
        self.readers: list[Reader] = []
        self._rng = Random(f"{plan.seed} round")
        self._began = time.monotonic()
        self.events: list[str] = []

    def run(self) -> str:
        """Everything; what was done, in one line."""
        self._fill()
        try:
            if self.plan.writes_during_copy:
                self._start_writers()
            self.freshet.start()
            self.readers = [Reader(self.freshet, self.disk, self.tables, self._child(f"reader {i}"))
                            for i in range(_READERS)]
            for reader in self.readers:
                reader.start()
            self._break_things()
            self._settle()
            self._compare()
        finally:
            for thread in self.writers + self.readers:
                thread.stop()
        self._drop()
        return self._summary()

    def _child(self, name: str) -> Random:
        return Random(f"{self.plan.seed} {name}")

    def _note(self, what: str) -> None:
        self.events.append(f"{time.monotonic() - self._began:6.2f} s  {what}")

    def _fill(self) -> None:
        self.source.create_database(self.database)
        with self.source.connect(self.database) as connection:
            for statement in BOOKS:
                connection.execute(statement)
            rng = self._child("fill")
            for table in self.tables:
                for statement in table.create():
                    connection.execute(statement)
                for first in range(0, self.plan.rows_before, 200):
                    connection.execute(bulk(rng, table, first, 200))

    def _start_writers(self) -> None:
        for number in range(1, self.plan.writers + 1):
            name = f"writer {number}"
            maker = Maker(self._child(f"{name} makes"), number, self.tables, self.plan.weights)
            self.writers.append(RowWriter(self.source, self.database, number, self._child(name),
                                          _PAUSE, maker=maker))
        if self.plan.ddl:
            number = self.plan.writers + 1
            maker = DdlMaker(self._child("DDL makes"), number, self.tables, self.plan.ddl)
            self.writers.append(DdlWriter(self.source, self.database, number, self._child("DDL"),
                                          1.0, maker=maker))
        for writer in self.writers:
            writer.start()

    def _commits(self) -> int:
        return sum(writer.commits for writer in self.writers)

    def _wait_commits(self, count: int, seconds: float = 60) -> None:
        wanted = self._commits() + count
        until(f"{count} commits", lambda: self._commits() >= wanted or self._failed(), seconds)

    def _break_things(self) -> None:
        for number, fault in enumerate(self.plan.faults):
            if number == len(self.plan.faults) // 2:
                self._go_live()
            if self.writers:
                self._wait_commits(fault.after_commits)
            self._break(fault)
        self._go_live()
        self._wait_commits(self.plan.commits)

    def _break(self, fault: Fault) -> None:
        moment(fault.delay)
        self._check()
        self._note(fault.run.__name__)
        fault.run(self, Random(fault.seed))
        self._note(f"{fault.run.__name__} is over")

    def _go_live(self) -> None:
        """From here on the link is fast and there is somebody who writes."""
        self.link.unlimited()
        if not self.writers:
            self._start_writers()

    def _failed(self) -> bool:
        return any(thread.surprises for thread in self.writers + self.readers) or any(
            reader.violations for reader in self.readers)

    def _check(self) -> None:
        for reader in self.readers:
            assert not reader.violations, f"a read went wrong: {reader.violations[:3]}"
            assert not reader.surprises, f"a read failed: {reader.surprises[:3]}"
        for writer in self.writers:
            assert not writer.surprises, f"the generator is wrong: {writer.surprises[:3]}"

    def _settle(self) -> None:
        """Stops the writing; then everything that was committed becomes visible."""
        for writer in self.writers:
            writer.stop()
        for writer in self.writers:
            writer.join(timeout=60)
            assert not writer.is_alive(), f"{writer.name} did not end"
        self._check()
        self._check_source()
        self._note("the writers have stopped")
        try:
            # What was altered last is applied, and what has to be copied for it is copied.
            self.freshet.wait_lsn(self.source, seconds=90)
            self._wait_live()
            self.freshet.wait_lsn(self.source, seconds=90)
        except (AssertionError, Overdue) as problem:
            raise AssertionError(f"{problem}\nsources: {self._state('sources')}"
                                 f"\ntables: {self._state('tables')}") from None

    def _check_source(self) -> None:
        """What readers of the copy rely on holds where it came from."""
        seen = self.source.execute(
            f"SELECT {BALANCE}, {', '.join(fingerprint(name) for name in self._names())}",
            self.database)[0]
        assert seen[0] == 0 and len(set(seen[1:])) == 1, f"the generator is wrong: {seen}"

    def _names(self) -> list[str]:
        return ["marks", *(table.name for table in self.tables)]

    def _wait_live(self) -> None:
        names = [f"public.{name}" for name in ("ledger_a", "ledger_b", *self._names())]

        def live() -> bool:
            states = self.freshet.states()
            return all(states.get(name) == "live" for name in names)

        until("all tables are live", live, seconds=90)

    def _state(self, relation: str) -> list[tuple]:
        return self.freshet.execute(f"SELECT * FROM freshet.{relation}")

    def _compare(self) -> None:
        reads = [reader.reads for reader in self.readers]
        until("the readers have read on", lambda: self._failed() or all(
            reader.reads > before for reader, before in zip(self.readers, reads)), seconds=60)
        for reader in self.readers:
            reader.stop()
        for reader in self.readers:
            reader.join(timeout=60)
            assert not reader.is_alive(), "a read never ended"
        self._check()
        compare.assert_equal_tables(self.source, self.freshet, database=self.database)

    def _drop(self) -> None:
        self.freshet.stop()
        for (slot,) in self.source.execute(
                f"SELECT slot_name FROM pg_replication_slots WHERE database = '{self.database}'"):
            self.source.execute(f"SELECT pg_drop_replication_slot('{slot}')")
        self.source.execute(f"DROP DATABASE {self.database} WITH (FORCE)")

    def _summary(self) -> str:
        outcomes = sum((writer.outcomes for writer in self.writers), start=type(
            self.writers[0].outcomes)())
        met = ", ".join(f"{count} {what}" for what, count in sorted(outcomes.items()))
        return (f"{time.monotonic() - self._began:.1f} s, {met};"
                f" {sum(reader.reads for reader in self.readers)} reads,"
                f" {sum(reader.refused for reader in self.readers)} while tables were copied")

    def story(self) -> str:
        """For people who look at a failure: what happened when, and the last statements."""
        last = [line for writer in self.writers for line in writer.history[-8:]]
        return "\n".join(["what happened:", *self.events, "the last statements:", *last])
