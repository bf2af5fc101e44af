"""A Freshet server of a test's own, started as a user starts it and read as a user reads it."""

import os
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import psycopg

from harness import processes
from harness.postgres import Postgres
from harness.waiting import until

BINARY = Path(os.environ.get("FRESHET_BINARY",
                             processes.REPOSITORY / "build" / "release" / "freshet")).absolute()

# A line of the log that somebody should look at: the time, the level, the event.
_COMPLAINT = re.compile(r"^\S+ (?:warn|error) ")


class Freshet:
    """One server with its data folder. It can be stopped, killed and started again on the folder."""

    def __init__(self, sources: dict[str, str], tables: list[str] | None = None,
                 name: str = "freshet", options: list[str] | None = None):
        self.folder = processes.folder(name)
        self.data = self.folder / "data"
        self.sources = sources
        self.tables = tables or []
        self.options = options or []
        self.environment: dict[str, str] = {}  # of processes to come
        self.started = 0
        self.sql_url = ""
        self.http_url = ""
        self._process = None
        self._expected: list[re.Pattern] = []
        self._lenient = False

    def arguments(self) -> list[str]:
        arguments = ["serve", "--data", str(self.data), "--sql-port", "0", "--http-port", "0"]
        for name, url in self.sources.items():
            arguments += ["--source", f"{name}={url}"]
        for pattern in self.tables:
            arguments += ["--tables", pattern]
        return arguments + self.options

    def configure(self, url: str, of_source: str = "", settings: str = "") -> "Freshet":
        """From now on the only source, main, comes from a settings file."""
        path = self.folder / "freshet.toml"
        path.write_text(f'{settings}\n[[source]]\nname = "main"\nurl = "{url}"\n{of_source}\n')
        self.sources, self.options = {}, ["--config", str(path)]
        return self

    # Starting and stopping.

    def spawn(self) -> "Freshet":
        """Starts the process without waiting for anything."""
        assert BINARY.exists(), f"{BINARY} is missing: run `make build`"
        self.started += 1
        with open(self._output("out"), "wb") as out, open(self._output("err"), "wb") as err:
            self._process = processes.start([BINARY, *self.arguments()], stdout=out, stderr=err,
                                            environment=self.environment)
        return self

    def start(self, seconds: float = 30) -> "Freshet":
        """Starts and waits until the addresses are printed, which is when clients can connect."""
        self.spawn()
        self.sql_url, self.http_url = until(
            "Freshet prints its addresses", self._addresses, seconds)
        return self

    def _addresses(self) -> tuple[str, str] | None:
        code = self._process.poll()
        assert code is None, f"Freshet ended at its start with {code}:\n{self.output()[-3000:]}"
        printed = self._output("out").read_text(errors="replace")
        sql = re.search(r"postgresql://[^\s@]+?:\d+/freshet\s", printed)
        console = re.search(r"http://\S+:\d+(?=[\s/])", printed)
        return (sql[0].strip(), console[0]) if sql and console else None

    def stop(self, with_signal: int = signal.SIGTERM, seconds: float = 15) -> int:
        """Asks for a clean end and returns the exit code; fails when it takes longer."""
        process, self._process = self._process, None
        return processes.end(process, with_signal, seconds) if process else 0

    def kill(self) -> None:
        """kill -9: nothing is written, nothing is closed."""
        self.stop(signal.SIGKILL)

    def signal(self, number: int) -> None:
        """SIGSTOP: it does nothing any more, and nobody is told; SIGCONT: it goes on."""
        self._process.send_signal(number)

    def wait_end(self, seconds: float = 30) -> int:
        """Waits for a server that ends by itself; its exit code."""
        process, self._process = self._process, None
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            processes.end(process)
            raise AssertionError(f"Freshet did not end by itself:\n{self.output()[-3000:]}") from None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def crashed(self) -> bool:
        """It ended, and nobody asked it to."""
        return self._process is not None and self._process.poll() is not None

    @property
    def exit_code(self) -> int | None:
        """Of a process that ended and was not asked to; negative: the signal."""
        return self._process.poll() if self._process else None

    @property
    def pid(self) -> int:
        return self._process.pid

    def memory_peak_bytes(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024

    def remove(self) -> None:
        if self._process:
            processes.end(self._process)
            self._process = None
        if not os.environ.get("FRESHET_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    # What it said.

    def _output(self, stream: str) -> Path:
        return self.folder / f"{stream}-{self.started}.log"

    def output(self) -> str:
        """Everything that the newest process printed, on both streams."""
        return "".join(path.read_text(errors="replace")
                       for path in (self._output("out"), self._output("err")) if path.exists())

    def log(self) -> str:
        """The log of all processes so far."""
        return "".join(path.read_text(errors="replace")
                       for path in sorted(self.folder.glob("err-*.log"), key=os.path.getmtime))

    def expects_log(self, pattern: str) -> None:
        """Announces a warning or an error that the test provokes."""
        self._expected.append(re.compile(pattern, re.I))

    def expects_faults(self) -> None:
        """For tests that break things at random moments: any warning may come."""
        self._lenient = True

    def complaints(self) -> list[str]:
        """Warnings and errors that nobody announced."""
        if self._lenient:
            return []
        return [line for line in self.log().splitlines() if _COMPLAINT.match(line)
                and not any(pattern.search(line) for pattern in self._expected)]

    # Reading.

    def connect(self, **options) -> psycopg.Connection:
        options = {"autocommit": True, "connect_timeout": 10, "user": "reader", **options}
        return psycopg.connect(self.sql_url, **options)

    def execute(self, sql: str, parameters=None) -> list[tuple]:
        with self.connect() as connection:
            cursor = connection.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def value(self, sql: str):
        return self.execute(sql)[0][0]

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page of the HTTP port."""
        try:
            with urllib.request.urlopen(self.http_url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()

    def states(self, source: str | None = None) -> dict[str, str]:
        """State of each table, by schema.name."""
        where = f" WHERE source = '{source}'" if source else ""
        rows = self.execute(f"SELECT schema, name, state FROM freshet.tables{where}")
        return {f"{schema}.{name}": state for schema, name, state in rows}

    # Waiting.

    def wait_live(self, *tables: str, seconds: float = 60) -> "Freshet":
        """Waits until the tables (schema.name; none: all there are) are live."""

        def live() -> bool:
            states = self.states()
            wanted = {table: states.get(_unquoted(table)) for table in tables} or states
            failed = [table for table, state in wanted.items() if state == "failed"]
            assert not failed, f"failed: {self.execute('SELECT * FROM freshet.tables')}"
            return bool(wanted) and all(state == "live" for state in wanted.values())

        until(f"{tables or 'all tables'} are live", live, seconds)
        return self

    def wait_state(self, table: str, state: str, seconds: float = 60) -> None:
        until(f"{table} is {state}", lambda: self.states().get(_unquoted(table)) == state,
              seconds)

    def wait_lsn(self, source: Postgres, seconds: float = 60) -> str:
        """Waits until everything committed on the source so far is visible here."""
        lsn = source.lsn()
        with self.connect() as connection:
            connection.execute(f"SET freshet.wait_timeout = '{int(seconds * 1000)}ms'")
            connection.execute(f"SET freshet.wait_for_lsn = '{lsn}'")
            connection.execute("SELECT 1").fetchone()
        return lsn


def _unquoted(table: str) -> str:
    return table.replace('"', "")
