"""The servers of one test: started when it needs them, taken away when it ends, newest first."""

from harness.freshet import Freshet
from harness.postgres import Postgres
from harness.throttle import Throttle


class Servers:
    """Starts servers for one test and takes them away again, newest first."""

    def __init__(self):
        self._servers = []

    def postgres(self, *arguments, **options) -> Postgres:
        server = Postgres(*arguments, **options)
        self._servers.append(server)
        return server.start()

    def standby(self, primary: Postgres, **settings) -> Postgres:
        """A running standby of the server, which is restarted for it."""
        server = Postgres("standby", version=primary.version, **settings)
        self._servers.append(server)
        primary.stop()
        backup = primary.saved()
        server.follow(primary.start(), backup)
        return server.start()

    def freshet(self, sources, *arguments, **options) -> Freshet:
        """Not started yet. `sources`: a Postgres, or names and URLs."""
        if isinstance(sources, Postgres):
            sources = {"main": sources.url()}
        server = Freshet(sources, *arguments, **options)
        self._servers.append(server)
        return server

    def link(self, source: Postgres, bytes_per_second: float) -> Throttle:
        """A link to a source that outlives the servers started after it."""
        link = Throttle(source, bytes_per_second)
        self._servers.append(link)
        return link

    def with_logs(self) -> list[Freshet | Postgres]:
        return [server for server in self._servers if not isinstance(server, Throttle)]

    def close(self, check: bool) -> None:
        complaints, codes, crashed = [], [], []
        for server in reversed(self._servers):
            try:
                if isinstance(server, Freshet):
                    if server.crashed:
                        crashed.append(server.output()[-3000:])
                    elif server.running:
                        codes.append(server.stop())
                    complaints += server.complaints()
            finally:
                server.remove()
        self._servers.clear()
        if check:
            assert not crashed, "Freshet ended by itself:\n" + "\n".join(crashed)
            assert not any(codes), f"Freshet's exit codes at SIGTERM: {codes}"
            assert not complaints, "the log has what no test announced:\n" + "\n".join(complaints)
