"""A PostgreSQL server of a test's own: own folder, own port, wal_level=logical.

The newest one installed on the machine or, asked for by `version` (or by the variable
FRESHET_POSTGRES for all tests that do not ask), one of packaging/postgres. initdb runs once per test
run and version; every server starts from a copy of its folder. Anybody on loopback is let in without
a password, but the role `guarded` (password in GUARDED_PASSWORD) needs one.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from harness import processes
from harness.waiting import until

GUARDED_PASSWORD = "rain-and-snow-17"


VERSIONS = range(10, 19)


def bin_folder(version: int | None = None) -> Path:
    """Of initdb and postgres; `version` is a major one."""
    if version is None:
        return _installed()
    packaged = processes.REPOSITORY / f"packaging/postgres/node_modules/postgres-{version}/native"
    assert packaged.exists(), f"PostgreSQL {version} is not there: run `make deps`"
    # A repository in somebody's home is closed to the user that servers run as.
    reachable = subprocess.run(["test", "-x", packaged / "bin/postgres"], check=False, cwd="/",
                               **processes.postgres_user()).returncode == 0
    return (packaged if reachable else _copied(packaged, version)) / "bin"


def _installed() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"),
                   key=lambda path: int(path.parts[-3]))
    assert found, "PostgreSQL is not installed: run `make deps`"
    return found[-1].parent


def _copied(packaged: Path, version: int) -> Path:
    copy = processes.ROOT / f"postgres-{version}"
    with processes.exclusive(copy.name):
        if not copy.exists():
            making = processes.folder(copy.name)
            making.chmod(0o755)
            subprocess.run(["cp", "-a", packaged, making / "native"], check=True)
            (making / "native").rename(copy)
    return copy


def _template(version: int | None) -> Path:
    name = f"template-{version or 'installed'}"
    data = processes.ROOT / name
    with processes.exclusive(name):
        if data.exists():
            return data
        making = processes.folder("initdb")
        processes.give_to_postgres(making)
        subprocess.run([bin_folder(version) / "initdb", "--pgdata", making / "data", "--username=postgres",
                        "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
                       check=True, cwd="/", stdout=subprocess.DEVNULL, **processes.postgres_user())
        hba = making / "data" / "pg_hba.conf"
        hba.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n"
                       "host replication guarded 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
        (making / "data").rename(data)
    return data


class Postgres:
    """One server. The harness stops it and removes its folder at the end of the test."""

    def __init__(self, name: str = "pg", fsync: bool = False, version: int | None = None,
                 standby_of: "Postgres | None" = None, **settings):
        self.name = name
        if standby_of:
            version, settings = standby_of.version, {**standby_of.settings, **settings}
        self.version = version or int(os.environ.get("FRESHET_POSTGRES", 0)) or None
        self.port = processes.free_port()
        self.folder = processes.folder(name)
        self.settings = {
            "wal_level": "logical", "max_wal_senders": 20, "max_replication_slots": 20,
            "max_connections": 60, "shared_buffers": "128MB", "max_wal_size": "4GB",
            "fsync": "on" if fsync else "off", "log_line_prefix": "%m [%p] %a ", **settings}
        self._server = None
        processes.give_to_postgres(self.folder)
        if standby_of:
            self._follow(standby_of)
        else:
            self._copy(_template(self.version))

    def _copy(self, data: Path) -> None:
        subprocess.run(["cp", "-a", data, self.folder / "data"], check=True)

    def _follow(self, primary: "Postgres") -> None:
        """Starts as a copy of a primary at rest, with a slot of its own there."""
        primary.stop()
        self._copy(primary.folder / "data")
        primary.start()
        primary.execute(f"SELECT pg_create_physical_replication_slot('{self.name}')")
        (self.folder / "data" / "standby.signal").touch()
        self.settings.update(primary_conninfo=f"{primary.url()}?application_name={self.name}",
                             primary_slot_name=self.name, hot_standby_feedback="on")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, database: str = "postgres", user: str = "postgres", password: str = "") -> str:
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@{self.address}/{database}"

    def start(self) -> "Postgres":
        arguments = [bin_folder(self.version) / "postgres", "-D", self.folder / "data", "-p", self.port,
                     "-c", "listen_addresses=127.0.0.1",
                     "-c", f"unix_socket_directories={self.folder}"]
        for key, value in self.settings.items():
            arguments += ["-c", f"{key}={value}"]
        with open(self.folder / "log", "ab") as log:
            self._server = processes.start(arguments, stdout=log, stderr=log, as_postgres=True,
                                           death=signal.SIGQUIT)
        until(f"{self.name} accepts connections\n{self.log()[-2000:]}", self._answers, seconds=60)
        return self

    def _answers(self) -> bool:
        assert self._server.poll() is None, f"PostgreSQL did not start:\n{self.log()[-2000:]}"
        try:
            self.connect().close()
            return True
        except psycopg.OperationalError:
            return False

    def stop(self, mode: str = "fast") -> None:
        """fast: rolls back what is open and waits for the walsenders; immediate: as in a crash."""
        if self._server:
            server, self._server = self._server, None
            how = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode]
            processes.end(server, how, seconds=60)

    def restart(self, mode: str = "fast") -> None:
        self.stop(mode)
        self.start()

    # Backups and standbys.

    def saved(self) -> Path:
        """A copy of the stopped server's folder."""
        assert self._server is None, "a backup by copying files is taken of a stopped server"
        backup = self.folder / "backup"
        subprocess.run(["cp", "-a", self.folder / "data", backup], check=True)
        return backup

    def put_back(self, backup: Path) -> None:
        """The stopped server is again what it was when the backup was taken."""
        assert self._server is None
        shutil.rmtree(self.folder / "data")
        subprocess.run(["cp", "-a", backup, self.folder / "data"], check=True)

    def follow(self, primary: "Postgres", backup: Path) -> None:
        """Makes this stopped server a standby of the one the backup is of, through a slot of its
        own."""
        self.put_back(backup)
        (self.folder / "data" / "standby.signal").touch()
        primary.execute("SELECT pg_create_physical_replication_slot('standby', true)")
        self.settings |= {
            "primary_conninfo": f"host=127.0.0.1 port={primary.port} user=postgres dbname=postgres",
            "primary_slot_name": "standby", "hot_standby_feedback": "on"}

    def promote(self) -> None:
        assert self.value("SELECT pg_promote(true, 60)")

    def remove(self) -> None:
        self.stop("immediate")
        if not os.environ.get("FRESHET_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def connect(self, database: str = "postgres", **options) -> psycopg.Connection:
        options = {"autocommit": True, "connect_timeout": 10, **options}
        return psycopg.connect(self.url(database), **options)

    def execute(self, sql: str, database: str = "postgres") -> list[tuple]:
        """Runs one or more statements; the rows of the last."""
        with self.connect(database) as connection:
            cursor = connection.execute(sql)
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def value(self, sql: str, database: str = "postgres"):
        return self.execute(sql, database)[0][0]

    def lsn(self) -> str:
        """A position that every commit acknowledged so far lies below."""
        return self.value("SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
                          " ELSE pg_current_wal_lsn() END::text")

    def create_database(self, name: str) -> None:
        self.execute(f'CREATE DATABASE "{name}"')

    def create_raw_database(self, name: str) -> None:
        """Its texts are whatever bytes they were given: E'\\xff' is one that nobody can mirror."""
        self.execute(f"CREATE DATABASE \"{name}\" ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")

    def walsenders(self) -> list[int]:
        rows = self.execute("SELECT pid FROM pg_stat_replication WHERE state IN"
                            " ('catchup', 'streaming')")
        return [row[0] for row in rows]

    def times_copied(self, table: str, database: str = "postgres") -> int:
        """How often the whole table was read, as PostgreSQL counts it. Nothing else may scan it."""
        return self.value("SELECT pg_stat_clear_snapshot(); SELECT seq_scan FROM pg_stat_user_tables"
                          f" WHERE relid = '{table}'::regclass", database)
