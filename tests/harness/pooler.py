"""A PgBouncer in front of a PostgreSQL server."""

import socket
import subprocess

from harness import processes
from harness.postgres import Postgres
from harness.waiting import until


class Pooler:
    """Pools by transaction, as most do. `settings`: of its [pgbouncer] section."""

    def __init__(self, server: Postgres, **settings: str):
        self.port = processes.free_port()
        self._folder = processes.folder("pooler")
        users = self._folder / "users.txt"
        users.write_text('"postgres" ""\n')
        options = {"listen_addr": "127.0.0.1", "listen_port": self.port, "auth_type": "any",
                   "auth_file": users, "pool_mode": "transaction", "unix_socket_dir": "",
                   "logfile": self._folder / "log", **settings}
        file = self._folder / "pgbouncer.ini"
        file.write_text(
            f"[databases]\n* = host=127.0.0.1 port={server.port} user=postgres\n[pgbouncer]\n"
            + "".join(f"{key} = {value}\n" for key, value in options.items()))
        for path in (self._folder, users, file):
            processes.give_to_postgres(path)
        self._process = processes.start(["/usr/sbin/pgbouncer", file], as_postgres=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("the pooler listens", self._answers)

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return True
        except OSError:
            return False

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        processes.end(self._process)
