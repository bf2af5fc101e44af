"""What an operator sees: health, metrics, `freshet status`; and that nothing stays on the source."""

import re
import subprocess

import pytest

from harness.freshet import BINARY
from harness.waiting import until


@pytest.fixture(scope="module")
def source(module_servers):
    server = module_servers.postgres()
    server.execute("CREATE TABLE orders (id int PRIMARY KEY, v int);"
                   "INSERT INTO orders SELECT i, i FROM generate_series(1, 5000) i")
    return server


@pytest.fixture(scope="module")
def freshet(module_servers, source):
    return module_servers.freshet({"shop": source.url()}).start().wait_live("public.orders")


def status(freshet) -> subprocess.CompletedProcess:
    return subprocess.run([BINARY, "status", freshet.sql_url], capture_output=True, text=True,
                          timeout=20)


def test_health_pages(freshet):
    assert freshet.get("/health/live")[0] == 200
    until("it is ready", lambda: freshet.get("/health/ready")[0] == 200)
    assert freshet.get("/no/such/page")[0] == 404


def test_not_ready_says_why(servers):
    source = servers.postgres()
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    freshet = servers.freshet({"shop": source.url()})
    freshet.expects_log("source interrupted")
    freshet.start().wait_live("public.t")
    until("it is ready", lambda: freshet.get("/health/ready")[0] == 200)
    source.stop()
    code, body = until("it is no longer ready",
                       lambda: (answer := freshet.get("/health/ready"))[0] == 503 and answer,
                       seconds=60)
    assert "shop" in body
    assert freshet.get("/health/live")[0] == 200
    source.start()
    until("it is ready again", lambda: freshet.get("/health/ready")[0] == 200, seconds=60)


def test_metrics_are_prometheus_text_and_move(source, freshet):
    source.execute("UPDATE orders SET v = v + 1 WHERE id <= 100")
    freshet.wait_lsn(source)
    code, text = freshet.get("/metrics")
    assert code == 200
    sample = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="(?:[^"\\]|\\.)*",?)*\})? \S+$')
    for line in text.splitlines():
        assert not line or line.startswith("#") or sample.match(line), line
    names = set(re.findall(r"^(freshet_\w+)", text, re.M))
    assert len(names) >= 5, names
    assert any("rows" in name for name in names) and any("lag" in name for name in names), names


def test_status_for_people(freshet):
    done = status(freshet)
    assert done.returncode == 0, done.stderr
    assert "shop" in done.stdout and "public.orders" in done.stdout and "live" in done.stdout


def test_status_of_a_server_that_is_not_there():
    done = subprocess.run([BINARY, "status", "postgresql://127.0.0.1:1/freshet"], text=True,
                          capture_output=True, timeout=20)
    assert done.returncode != 0
    assert "127.0.0.1" in done.stderr


def test_an_idle_server_is_silent_and_rests(freshet):
    said = freshet.log()
    before = _ticks(freshet)
    until("a second of the server's idle life", lambda: _later(freshet), seconds=5)
    assert freshet.log() == said
    assert _ticks(freshet) - before < 30  # of 100 a second: less than a third of one core


def _ticks(freshet) -> int:
    with open(f"/proc/{freshet.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


_born: dict[int, int] = {}


def _later(freshet) -> bool:
    """True when a second has passed since the first call, by the kernel's clock."""
    with open("/proc/uptime", encoding="ascii") as uptime:
        now = int(float(uptime.read().split()[0]) * 100)
    return now - _born.setdefault(freshet.pid, now) >= 100


def test_only_one_slot_and_our_publications_are_created(source, freshet):
    assert source.execute("SELECT slot_name, plugin FROM pg_replication_slots WHERE NOT temporary") \
        == [("freshet_shop", "pgoutput")]
    names = {row[0] for row in source.execute("SELECT pubname FROM pg_publication")}
    assert names <= {"freshet_shop", "freshet_shop_inserts"}
    tables = source.execute("SELECT count(*) FROM pg_class WHERE relname LIKE '%freshet%'")
    assert tables == [(0,)]
