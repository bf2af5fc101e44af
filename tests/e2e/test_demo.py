"""`freshet demo`: starts, shows a busy shop, and leaves nothing behind."""

import os
import re
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest

from harness import processes
from harness.freshet import BINARY
from harness.waiting import until


class Demo:
    def __init__(self, *options: str):
        self.folder = processes.folder("demo")
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir(mode=0o755)
        self.folder.chmod(0o755)
        self._out = self.folder / "out"
        with open(self._out, "wb") as out:
            self.process = processes.start(
                [BINARY, "demo", "--orders", "5000", "--sql-port", "0", "--http-port", "0", *options],
                stdout=out, stderr=subprocess.STDOUT, environment={"TMPDIR": str(self.temporary)},
                own_group=True)

    def output(self) -> str:
        return self._out.read_text(errors="replace")

    def wait_printed(self, pattern: str, seconds: float = 60) -> re.Match:
        def printed():
            ended = self.process.poll() is not None
            found = re.search(pattern, self.output())
            assert found or not ended, f"it ended:\n{self.output()}"
            return found
        return until(f"the demo prints {pattern}", printed, seconds)


def processes_below(folder: Path) -> list[str]:
    """Command lines that name the folder: servers that were left running."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line and str(os.getpid()) != entry.parts[2]:
            found.append(line)
    return found


@pytest.fixture
def demo():
    running = []

    def start(*options: str) -> Demo:
        running.append(Demo(*options))
        return running[-1]

    yield start
    for one in running:
        processes.end(one.process, signal.SIGTERM)
        processes.remove(one.folder)


def test_the_demo_shows_a_moving_shop_and_leaves_nothing(demo):
    shop = demo()
    url = shop.wait_printed(r"psql (postgresql://127\.0\.0\.1:\d+/freshet)")[1]
    shop.wait_printed(r"orders/s")
    shop.wait_printed(r"\d+ ms")

    def orders() -> int:
        try:
            with psycopg.connect(url, user="reader", autocommit=True) as connection:
                return connection.execute("SELECT count(*) FROM orders").fetchone()[0]
        except psycopg.errors.ObjectNotInPrerequisiteState:
            return 0  # still being copied

    first = until("the orders are copied", lambda: (n := orders()) >= 5000 and n)
    until("people keep buying", lambda: orders() > first)
    shop.process.send_signal(signal.SIGINT)
    assert shop.process.wait(timeout=20) == 0, shop.output()
    assert list(shop.temporary.iterdir()) == []
    until("no server is left", lambda: not processes_below(shop.temporary), seconds=10)


def test_an_interrupted_start_leaves_nothing(demo):
    shop = demo()
    until("it has begun", lambda: list(shop.temporary.iterdir()))
    shop.process.send_signal(signal.SIGINT)
    shop.process.wait(timeout=20)
    assert list(shop.temporary.iterdir()) == []
    until("no server is left", lambda: not processes_below(shop.temporary), seconds=10)


def test_a_demo_that_was_killed_takes_its_server_with_it(demo):
    shop = demo()
    shop.wait_printed(r"postgresql://127\.0\.0\.1:\d+/freshet")
    shop.process.kill()
    until("no server is left", lambda: not processes_below(shop.temporary), seconds=20)


def test_keep_keeps_the_folder_and_says_how_to_go_on(demo):
    shop = demo("--keep")
    shop.wait_printed(r"postgresql://127\.0\.0\.1:\d+/freshet")
    shop.process.send_signal(signal.SIGINT)
    assert shop.process.wait(timeout=20) == 0, shop.output()
    assert len(list(shop.temporary.iterdir())) == 1
    assert re.search(r"pg_ctl|freshet serve", shop.output())
    until("no server is left", lambda: not processes_below(shop.temporary), seconds=10)
