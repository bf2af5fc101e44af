"""Statements over HTTP: collections are created and dropped by POST /v1/statements, by programs only."""

import http.client
import json
import signal
import socket
import subprocess
import urllib.parse

import pytest

from harness.failpoints import Victim
from harness.waiting import until

PAID = "CREATE COLLECTION paid FROM orders AS SELECT id, upper(note) AS note FROM _input WHERE status = 'paid'"
STUCK = "changes.apply.before"


@pytest.fixture(scope="module")
def source(module_servers):
    server = module_servers.postgres()
    server.execute("CREATE TABLE orders (id int PRIMARY KEY, status text NOT NULL, note text);"
                   "INSERT INTO orders SELECT i, CASE i % 2 WHEN 0 THEN 'paid' ELSE 'open' END, 'n' || i"
                   " FROM generate_series(1, 1000) i")
    return server


@pytest.fixture(scope="module")
def freshet(module_servers, source):
    return module_servers.freshet({"shop": source.url()}).start().wait_live()


def connect(freshet) -> http.client.HTTPConnection:
    address = urllib.parse.urlsplit(freshet.http_url)
    return http.client.HTTPConnection(address.hostname, address.port, timeout=60)


def post(freshet, body: str | bytes, **headers: str) -> tuple[int, dict]:
    """Status and JSON of the answer."""
    connection = connect(freshet)
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.request("POST", "/v1/statements", body, sent)
    answer = connection.getresponse()
    got = answer.status, json.loads(answer.read())
    connection.close()
    return got


def ask(freshet, sql: str, **headers: str) -> tuple[int, dict]:
    return post(freshet, json.dumps({"sql": sql}), **headers)


def refused(freshet, sql: str, **headers: str) -> tuple[int, str]:
    """Status and SQLSTATE."""
    status, answer = ask(freshet, sql, **headers)
    assert answer["error"]["status"] == status and answer["error"]["message"], answer
    return status, answer["error"]["sqlstate"]


def collections(freshet) -> list[str]:
    return [name for name, in freshet.execute("SELECT name FROM freshet.collections ORDER BY 1")]


def test_a_collection_from_its_creation_to_its_end(source, freshet):
    created = {"command": "CREATE COLLECTION", "source": "shop", "collection": "public.paid", "notices": []}
    assert ask(freshet, PAID) == (200, created)
    freshet.wait_live("public.paid")
    source.execute("UPDATE orders SET status = 'paid' WHERE id = 1")
    freshet.wait_lsn(source)
    assert freshet.value("SELECT count(*) FROM paid") == 501

    status, answer = ask(freshet, PAID)
    assert (status, answer["error"]["sqlstate"]) == (409, "42P07")
    assert "OR REPLACE" in answer["error"]["hint"] and answer["error"]["position"] == 19
    status, answer = ask(freshet, PAID.replace("paid", "IF NOT EXISTS paid", 1))
    assert status == 200 and "exists already" in answer["notices"][0]["message"]

    replaced = "CREATE OR REPLACE COLLECTION paid FROM orders AS SELECT id FROM _input WHERE id <= 10;"
    assert ask(freshet, replaced) == (200, created)
    freshet.wait_live("public.paid")
    until("the new rows are there", lambda: freshet.value("SELECT count(*) FROM paid") == 10)
    assert ask(freshet, "ALTER COLLECTION paid RESYNC")[0] == 200
    freshet.wait_live("public.paid")

    assert ask(freshet, "DROP COLLECTION paid") == (200, {**created, "command": "DROP COLLECTION"})
    assert collections(freshet) == []
    assert refused(freshet, "DROP COLLECTION paid") == (404, "42P01")
    assert ask(freshet, "DROP COLLECTION IF EXISTS paid") == (
        200, {"command": "DROP COLLECTION", "notices": []})


def test_other_statements_that_control_the_server(source, freshet):
    source.execute("CREATE TABLE later (id int PRIMARY KEY)")
    freshet.wait_state("public.later", "live")
    assert ask(freshet, "ALTER COLLECTION orders PAUSE")[0] == 200
    assert freshet.states()["public.orders"] == "paused"
    assert ask(freshet, "ALTER COLLECTION orders PAUSE")[1]["notices"][0]["sqlstate"] == "01000"
    assert ask(freshet, "ALTER COLLECTION orders RESUME")[0] == 200
    assert ask(freshet, "ALTER SOURCE shop DROP TABLE later") == (
        200, {"command": "ALTER SOURCE", "source": "shop", "notices": []})
    assert refused(freshet, "ALTER SOURCE nowhere RESYNC") == (404, "42704")
    freshet.wait_live("public.orders")


def test_what_is_wrong_with_a_statement_is_said(freshet):
    assert refused(freshet, "CREATE COLLECTION x FROM nothing AS SELECT * FROM _input") == (404, "42P01")
    assert refused(freshet, "CREATE COLLECTION x FROM orders AS SELECT nosuch FROM _input") == (400, "42703")
    assert refused(freshet, "CREATE COLLECTION x FROM orders AS SELEC id") == (400, "42601")
    assert refused(freshet, "DROP COLLECTION a; DROP COLLECTION b") == (400, "42601")
    assert refused(freshet, "SELECT 1") == (400, "0A000")
    assert refused(freshet, "INSERT INTO orders VALUES (1)") == (400, "25006")
    status, answer = ask(freshet, "CREATE COLLECTION x FROM orders AS SELECT nosuch FROM _input")
    assert "nosuch" in answer["error"]["message"] and "position" not in answer["error"], answer
    assert ask(freshet, "CREATE COLLECTION x FROM orders AS SELECT id FROM y")[1]["error"]["position"] == 51
    status, answer = post(freshet, "DROP COLLECTION orders")
    assert status == 400 and '{"sql"' in answer["error"]["hint"]
    assert collections(freshet) == []


def test_pages_in_a_browser_cannot_send_statements(freshet):
    host = urllib.parse.urlsplit(freshet.http_url).netloc
    port = host.rsplit(":", 1)[1]
    for form in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]:
        assert refused(freshet, PAID, Content_Type=form)[0] == 415
    for page in ["http://evil.example", f"http://localhost:{int(port) + 1}", "null"]:
        assert refused(freshet, PAID, Origin=page) == (403, "28000")
    assert refused(freshet, PAID, Host=f"rebound.example:{port}") == (403, "28000")
    # What a browser asks before it sends JSON to another's server is not granted.
    connection = connect(freshet)
    connection.request("OPTIONS", "/v1/statements", headers={
        "Origin": "http://evil.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type"})
    answer = connection.getresponse()
    assert answer.status == 405 and answer.headers["Allow"] == "POST"
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    connection.close()
    assert collections(freshet) == []
    assert ask(freshet, "DROP COLLECTION IF EXISTS x", Origin=f"http://{host}")[0] == 200
    assert ask(freshet, "DROP COLLECTION IF EXISTS x", Host=f"localhost:{port}")[0] == 200


def test_a_statement_that_is_too_long_is_told_the_bound(freshet):
    columns = ", ".join(f"{i} AS column_{i}" for i in range(200_000))
    status, answer = ask(freshet, f"CREATE COLLECTION x FROM orders AS SELECT {columns} FROM _input")
    assert status == 413 and "262144 bytes" in answer["error"]["message"]
    assert freshet.get("/health/live")[0] == 200


def test_curl_as_the_documents_have_it(freshet):
    done = subprocess.run(
        ["curl", "-s", f"{freshet.http_url}/v1/statements", "-H", "Content-Type: application/json",
         "-d", json.dumps({"sql": PAID})], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["collection"] == "public.paid"
    assert ask(freshet, "DROP COLLECTION paid")[0] == 200


def running(freshet) -> int:
    """Statements that came over HTTP and are not answered."""
    lines = freshet.get("/metrics")[1].splitlines()
    return int(next(line for line in lines if line.startswith("freshet_http_statements ")).split()[1])


@pytest.fixture
def stuck(servers):
    """A server whose changes are held up, so that statements about collections wait."""
    source = servers.postgres()
    source.execute("CREATE TABLE orders (id int PRIMARY KEY, status text, note text)")
    freshet = servers.freshet({"shop": source.url()})
    freshet.expects_log("failpoint armed")
    victim = Victim(freshet, [f"{STUCK}:pause"])
    victim.start()
    freshet.wait_live()
    source.execute("INSERT INTO orders VALUES (1, 'paid', 'x')")
    victim.wait_paused(STUCK)
    yield victim


def begin(freshet, sql: str) -> http.client.HTTPConnection:
    """Sends a statement and does not wait for its answer."""
    before = running(freshet)
    connection = connect(freshet)
    connection.request("POST", "/v1/statements", json.dumps({"sql": sql}), {"Content-Type": "application/json"})
    until("the statement runs", lambda: running(freshet) == before + 1)
    return connection


def test_health_answers_while_a_statement_runs(stuck):
    connection = begin(stuck.freshet, PAID)
    assert stuck.freshet.get("/health/live")[0] == 200
    stuck.resume(STUCK)
    answer = connection.getresponse()
    assert answer.status == 200 and json.loads(answer.read())["collection"] == "public.paid"
    assert running(stuck.freshet) == 0
    stuck.freshet.wait_live("public.paid")


def test_a_statement_ends_with_its_client(stuck):
    connection = begin(stuck.freshet, PAID)
    connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
    until("the statement is stopped", lambda: running(stuck.freshet) == 0)
    stuck.resume(STUCK)
    assert ask(stuck.freshet, "ALTER COLLECTION orders PAUSE")[0] == 200
    assert collections(stuck.freshet) == []


def test_there_are_not_too_many_at_once(stuck):
    connections = [begin(stuck.freshet, f"CREATE COLLECTION c{i} FROM orders AS SELECT id FROM _input")
                   for i in range(4 + 16)]
    assert refused(stuck.freshet, PAID) == (503, "53300")
    assert stuck.freshet.get("/health/live")[0] == 200
    stuck.resume(STUCK)
    assert [connection.getresponse().status for connection in connections] == [200] * 20
    assert len(collections(stuck.freshet)) == 20


def test_a_stop_tells_those_that_wait(stuck):
    connection = begin(stuck.freshet, PAID)
    stuck.freshet.signal(signal.SIGTERM)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["error"]["sqlstate"]) == (503, "57P01")
    stuck.resume(STUCK)
    assert stuck.freshet.wait_end() == 0
