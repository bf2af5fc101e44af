"""Servers for tests: each stops and disappears when its test (or module) ends, passed or not."""

import pytest
from xdist.scheduler import LoadFileScheduling

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
        if check:
            assert not crashed, "Freshet ended by itself:\n" + "\n".join(crashed)
            assert not any(codes), f"Freshet's exit codes at SIGTERM: {codes}"
            assert not complaints, "the log has what no test announced:\n" + "\n".join(complaints)


def _lifetime(request):
    servers = Servers()
    failed_before = request.session.testsfailed
    try:
        yield servers
    except BaseException:
        servers.close(check=False)
        raise
    if request.session.testsfailed > failed_before:
        _show_logs(servers)
        servers.close(check=False)
    else:
        servers.close(check=True)


def _show_logs(servers: Servers) -> None:
    for server in servers._servers:
        if isinstance(server, Throttle):
            continue
        tail = server.log()[-4000:]
        print(f"---- the end of the log of {server.folder.name}\n{tail}")


@pytest.fixture
def servers(request):
    yield from _lifetime(request)


@pytest.fixture(scope="module")
def module_servers(request):
    yield from _lifetime(request)


@pytest.fixture
def source(servers) -> Postgres:
    """An empty PostgreSQL of the test's own."""
    return servers.postgres()


def pytest_collection_modifyitems(items):
    """Files with long tests first, so that workers end at about the same time."""
    long_files = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long_files)


def pytest_xdist_make_scheduler(config, log):
    """Whole files go to a worker: the tests of a file share servers."""
    return LoadFileScheduling(config, log)
