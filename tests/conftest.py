"""Servers for tests: each stops and disappears when its test (or module) ends, passed or not."""

import pytest
from xdist.scheduler import LoadFileScheduling

from harness.postgres import Postgres
from harness.servers import Servers


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
    for server in servers.with_logs():
        print(f"---- the end of the log of {server.folder.name}\n{server.log()[-4000:]}")


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
