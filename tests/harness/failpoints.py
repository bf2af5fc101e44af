"""Freshet broken at a named place of its code, and started again: src/base/failpoint.h."""

import re
import signal
from collections.abc import Callable
from typing import TypeVar

import psycopg

from harness import processes
from harness.freshet import Freshet
from harness.postgres import Postgres
from harness.waiting import Overdue, until

T = TypeVar("T")

_PLACE = re.compile(r'\b(?:FAILPOINT|injected_errno)\("([a-z_.]+)"\)')
_VARIABLE = "FRESHET_FAILPOINT"


def names() -> list[str]:
    """Every failpoint there is, as the source has them."""
    found = set()
    for path in (processes.REPOSITORY / "src").rglob("*.cc"):
        if not path.name.endswith("_test.cc"):
            found |= set(_PLACE.findall(path.read_text()))
    return sorted(found)


class Victim:
    """A server that is killed where its failpoints say, and then started again.

    `arms`: what is armed at each start in turn; nothing when they are used up. Whatever is asked of
    it goes through do(), which starts it again and repeats the question when it was killed.
    """

    def __init__(self, freshet: Freshet, arms: list[str]):
        self.freshet = freshet
        self.kills = 0
        self.arms = list(arms)

    def start(self) -> None:
        self.freshet.environment["FRESHET_FAILPOINT_FOLDER"] = str(self.freshet.folder)
        while True:
            self.freshet.environment.pop(_VARIABLE, None)
            if self.arms:
                self.freshet.environment[_VARIABLE] = self.arms.pop(0)
            try:
                self.freshet.start()
                return
            except AssertionError:
                if not self.was_killed():
                    raise

    def arm(self, also: str) -> None:
        """Arms something more at the next start."""
        self.arms[0] += "," + also

    def do(self, action: Callable[[], T]) -> T:
        while True:
            if self.was_killed():
                self.start()
            try:
                return action()
            except (psycopg.Error, AssertionError, OSError):
                if not self.dies():
                    raise

    def was_killed(self) -> bool:
        """Once for each time."""
        if not self.freshet.crashed:
            return False
        assert self.freshet.exit_code == -signal.SIGKILL, (
            f"Freshet ended with {self.freshet.exit_code}:\n{self.freshet.output()[-3000:]}")
        self.freshet.kill()
        self.kills += 1
        return True

    def dies(self) -> bool:
        """A connection is lost a moment before the process is gone."""
        try:
            return until("the process is gone", lambda: self.freshet.crashed, seconds=1)
        except Overdue:
            return False

    def wait_killed(self, seconds: float = 20) -> None:
        """Waits until it was killed at least once, and runs again."""
        if self.kills == 0:
            until("the failpoint is reached", lambda: self.freshet.crashed, seconds)
        if self.was_killed():
            self.start()

    def wait_paused(self, name: str) -> None:
        """Waits until a thread stands at the failpoint."""
        until(f"a pause at {name}", (self.freshet.folder / name).exists)

    def resume(self, name: str) -> None:
        (self.freshet.folder / name).unlink()

    # What tests ask for.

    def wait_live(self, *tables: str) -> None:
        self.do(lambda: self.freshet.wait_live(*tables))

    def wait_lsn(self, source: Postgres) -> None:
        self.do(lambda: self.freshet.wait_lsn(source))
