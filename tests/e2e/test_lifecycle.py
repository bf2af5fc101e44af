"""Starting, refusing to start, and stopping."""

import re
import signal
import subprocess

import psycopg
import pytest

from harness import processes
from harness.freshet import BINARY
from harness.postgres import GUARDED_PASSWORD


@pytest.fixture(scope="module")
def shop(module_servers):
    server = module_servers.postgres()
    server.execute("CREATE TABLE t (id int PRIMARY KEY, v text);"
                   "INSERT INTO t SELECT i, 'v' FROM generate_series(1, 1000) i;"
                   f"CREATE ROLE guarded LOGIN SUPERUSER PASSWORD '{GUARDED_PASSWORD}'")
    return server


def refusal(freshet, pattern: str) -> str:
    """Starts a server that must give up: a non-zero exit code and a message for people."""
    freshet.expects_log(".*")
    code = freshet.spawn().wait_end()
    said = freshet.output()
    assert code != 0
    assert re.search(pattern, said, re.I | re.S), said
    assert "terminate called" not in said and "Aborted" not in said
    return said


def test_addresses_and_the_source_are_announced(shop, servers):
    freshet = servers.freshet({"announced": shop.url()}).start().wait_live()
    assert re.search(r"freshet \d+\.\d+", freshet.output())
    assert "announced" in freshet.output()
    assert shop.value("SELECT count(*) FROM pg_replication_slots"
                      " WHERE slot_name = 'freshet_announced'") == 1


def test_the_name_of_a_source_is_its_database(shop, servers):
    shop.create_database("stock")
    shop.execute("CREATE TABLE items (id int PRIMARY KEY)", "stock")
    freshet = servers.freshet({}, options=["--source", shop.url("stock")]).start().wait_live()
    assert freshet.execute("SELECT DISTINCT source FROM freshet.tables") == [("stock",)]


def test_a_second_server_on_the_same_folder_is_refused(shop, servers):
    first = servers.freshet({"first": shop.url()}).start().wait_live()
    second = servers.freshet({"second": shop.url()})
    second.data = first.data
    said = refusal(second, "in use|lock|another|already")
    assert str(first.data) in said
    assert first.value("SELECT count(*) FROM t") == 1000


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_within_seconds(shop, servers, with_signal):
    freshet = servers.freshet({"stopped": shop.url()}).start().wait_live()
    with freshet.connect() as reader:
        reader.execute("SELECT 1")
        assert freshet.stop(with_signal, seconds=5) == 0
        with pytest.raises(psycopg.OperationalError):
            reader.execute("SELECT 1")
    shop.execute("SELECT pg_drop_replication_slot('freshet_stopped')")


def test_a_signal_during_a_long_query_stops_it_within_seconds(shop, servers):
    freshet = servers.freshet({"long": shop.url()}).start().wait_live()
    query = processes.start(
        ["psql", "-XAtc", "SELECT count(*) FROM range(100000000000) r WHERE r.range % 7 = 3",
         freshet.sql_url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert freshet.stop(signal.SIGTERM, seconds=5) == 0
    query.wait(timeout=10)


def test_a_signal_while_the_source_is_away_stops_it_within_seconds(servers):
    freshet = servers.freshet({"gone": f"postgresql://nobody@127.0.0.1:{processes.free_port()}/x"})
    freshet.expects_log("source interrupted")
    freshet.start()
    assert freshet.stop(signal.SIGTERM, seconds=5) == 0


def test_a_source_that_does_not_answer_is_tried_again(servers):
    """It may only be restarting; what is wrong is said, and shown in freshet.sources."""
    freshet = servers.freshet({"gone": f"postgresql://nobody@127.0.0.1:{processes.free_port()}/x"})
    freshet.expects_log("source interrupted")
    freshet.start()
    state, error = freshet.execute("SELECT state, last_error FROM freshet.sources")[0]
    assert state in ("starting", "retrying")
    assert state == "starting" or re.search("connect|refused", error)
    assert freshet.get("/health/live")[0] == 200
    assert freshet.get("/health/ready")[0] == 503


def test_a_wrong_password_is_refused_without_showing_it(shop, servers):
    freshet = servers.freshet({"a": shop.url(user="guarded", password="wrong-secret-31")})
    said = refusal(freshet, "password authentication failed")
    assert "wrong-secret-31" not in said


def test_the_right_password_is_shown_nowhere(shop, servers):
    freshet = servers.freshet({"b": shop.url(user="guarded", password=GUARDED_PASSWORD)})
    freshet.start().wait_live()
    assert freshet.value("SELECT count(*) FROM t") == 1000
    shown = freshet.output() + str(freshet.execute("SELECT * FROM freshet.sources"))
    shown += freshet.get("/metrics")[1] + freshet.get("/")[1]
    assert GUARDED_PASSWORD not in shown


def test_a_missing_database_is_named(shop, servers):
    refusal(servers.freshet({"c": shop.url("no_such_database")}), "no_such_database.*not exist")


def test_wal_level_replica_is_explained(servers):
    source = servers.postgres(wal_level="replica")
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    refusal(servers.freshet({"d": source.url()}), "wal_level.*logical")
    assert source.value("SELECT count(*) FROM pg_publication") == 0


def test_no_matching_table_is_explained(shop, servers):
    refusal(servers.freshet({"e": shop.url()}, ["nothing.*"]), "no table.*match")


@pytest.mark.parametrize("arguments, pattern", [
    (["serve", "--source", "not a url"], "source|url"),
    (["serve", "--source", "mysql://127.0.0.1/x"], "source|url"),
    (["serve", "--sql-port", "70000", "--source", "postgresql://127.0.0.1/x"], "port"),
    (["serve"], "source"),
    (["serve", "--no-such-flag"], "no-such-flag"),
    (["no-such-command"], "no-such-command|subcommand"),
    (["serve", "--source", "postgresql://127.0.0.1/x", "--listen", "not-an-address"],
     "listen|address"),
    (["serve", "--source", "postgresql://127.0.0.1/x", "--tables", "a.b.c.d"], "pattern|table"),
])
def test_wrong_arguments_are_refused_with_a_reason(tmp_path, arguments, pattern):
    done = subprocess.run([BINARY, *arguments], cwd=tmp_path, capture_output=True, text=True,
                          timeout=20)
    assert done.returncode != 0
    assert re.search(pattern, done.stdout + done.stderr, re.I), done.stdout + done.stderr


def test_help_names_every_command():
    done = subprocess.run([BINARY, "--help"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0
    for command in ("serve", "status", "demo"):
        assert command in done.stdout


def test_a_taken_port_is_explained(shop, servers):
    first = servers.freshet({"taken": shop.url()}).start()
    port = first.sql_url.rsplit(":", 1)[1].split("/")[0]
    second = servers.freshet({"taken2": shop.url()}, options=["--sql-port", port])
    second.arguments = lambda: ["serve", "--data", str(second.data), "--sql-port", port,
                                "--http-port", "0", "--source", f"taken2={shop.url()}"]
    refusal(second, port)
