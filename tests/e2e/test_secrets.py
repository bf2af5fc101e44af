"""Passwords appear nowhere: not in what Freshet prints, logs, answers or keeps, whatever fails."""

import os
import subprocess

import pytest

from harness.freshet import BINARY
from harness.waiting import until

PASSWORD = "Tau-und-Schnee-4711"
OTHER = "Regen-ohne-Ende-0815"
KEY = "Schluessel-im-Nebel-99"
SECRETS = (PASSWORD, OTHER, KEY)


@pytest.fixture(scope="module")
def source(module_servers):
    server = module_servers.postgres()
    server.execute("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'v');"
                   f"CREATE ROLE guarded LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
    return server


def assert_silent(text: str) -> None:
    for secret in SECRETS:
        at = text.find(secret)
        assert at < 0, f"a secret is shown: {text[max(at - 200, 0):at]}…"


def everything_said(freshet) -> str:
    said = freshet.output() + freshet.log()
    for relation in ("sources", "tables", "progress"):
        said += str(freshet.execute(f"SELECT * FROM freshet.{relation}"))
    for page in ("/metrics", "/health/ready", "/health/live", "/", "/no-such-page"):
        said += freshet.get(page)[1]
    return said + run("status", freshet.sql_url)


def run(*arguments: str, **environment: str) -> str:
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment}, cwd="/", check=False)
    return done.stdout + done.stderr


def debugging(servers, name: str, url: str):
    """A server that logs everything it ever logs."""
    freshet = servers.freshet({name: url})
    serve = freshet.arguments()
    freshet.arguments = lambda: ["--log-level", "debug", *serve]
    freshet.expects_faults()
    return freshet


def test_a_source_that_works_breaks_and_stops(source, servers):
    freshet = debugging(servers, "works", source.url(user="guarded", password=PASSWORD))
    freshet.start().wait_live()
    assert_silent(everything_said(freshet))
    source.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE"
                   " 'freshet works %'")
    until("that was noticed", lambda: "source interrupted" in freshet.log())
    freshet.wait_lsn(source)
    source.execute("ALTER ROLE guarded NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                   " WHERE application_name LIKE 'freshet works %'")
    until("the source is refused", lambda: "not permitted to log in" in freshet.log())
    assert_silent(everything_said(freshet))
    source.execute("ALTER ROLE guarded LOGIN")
    freshet.stop()
    kept = b"".join(path.read_bytes() for path in freshet.data.rglob("*") if path.is_file())
    assert PASSWORD.encode() not in kept, "the data folder has it"


@pytest.mark.parametrize("url", [
    "postgresql://guarded:{other}@127.0.0.1:{port}/postgres",
    "postgresql://guarded:{password}@127.0.0.1:1/postgres",
    "postgresql://guarded:{password}@127.0.0.1:{port}/no_such_database",
    "postgresql://guarded:{password}@no-such-host.invalid:{port}/postgres",
    "postgresql://guarded:{password}@127.0.0.1:{port}/postgres?sslmode=require",
    "postgresql://guarded:{password}@127.0.0.1:{port}/postgres?sslkey=/no/key&sslcert=/no/cert"
    "&sslpassword={key}&sslmode=require",
    "host=127.0.0.1 port={port} user=guarded password='{other}' dbname=postgres",
    "postgresql://127.0.0.1:{port}/postgres?user=guarded&password={other}",
    "postgresql://guarded:{password}@127.0.0.1:{port}/postgres?no_such_option={key}",
    "postgresql://guarded:{password}@127.0.0.1:{port}:7/postgres",
    "postgresql://guarded:{password}%zz@127.0.0.1:{port}/postgres",
    "host=127.0.0.1 password={other} nonsense",
    "host=127.0.0.1 password='{other}",
])
def test_a_source_that_cannot_be_reached(source, servers, url):
    url = url.format(port=source.port, password=PASSWORD, other=OTHER, key=KEY)
    freshet = debugging(servers, "refused", url)
    freshet.spawn()
    until("the failure is said", lambda: freshet.crashed or "source interrupted" in freshet.log()
          or "source stopped" in freshet.log())
    if freshet.running:
        freshet.stop()
    else:
        freshet.wait_end()
    assert_silent(freshet.output() + freshet.log())
    for command in (["doctor", url], ["doctor", "--json", url], ["drop-source", url, "--dry-run"],
                    ["drop-source", url], ["status", url]):
        assert_silent(run(*command))


@pytest.mark.parametrize("arguments", [
    ["serve", "postgresql://a:{other}@b/c"],
    ["serve", "--sources", "postgresql://a:{other}@b/c"],
    ["serve", "--source", "shop", "--tables", "postgresql://a:{other}@b/c"],
    ["doctor", "postgresql://a:{other}@b/c", "postgresql://a:{password}@b/c"],
    ["doctor", "postgresql:/a:{other}@b/c"],
    ["drop-source", "postgresql://a:{other}@b/c", "password={password}"],
    ["postgresql://a:{other}@b/c"],
])
def test_arguments_that_are_not_understood(arguments, tmp_path):
    said = run(*[text.format(password=PASSWORD, other=OTHER) for text in arguments])
    assert said
    assert_silent(said)


@pytest.mark.parametrize("settings", [
    'source = "postgresql://a:{other}@b/c"',
    '[[source]]\nurl = "postgresql://a:{other}@b/c" oops',
    '[[source]]\nurl = "postgresql://a:{other}@b/c\n',
    '[[source]]\nurl = ["postgresql://a:{other}@b/c"]',
    '[[source]]\nurl = "postgresql://a:{other}@b/c"\npassword = "{password}"',
    '[[source]]\nname = "Not A Name"\nurl = "postgresql://a:{other}@b/c"',
])
def test_a_settings_file_that_is_not_understood(settings, tmp_path):
    path = tmp_path / "freshet.toml"
    path.write_text(settings.format(password=PASSWORD, other=OTHER))
    said = run("serve", "--data", str(tmp_path / "data"), "--config", str(path))
    assert "freshet.toml" in said or "source" in said
    assert_silent(said)


def test_what_clients_are_told(source, servers):
    freshet = debugging(servers, "asked", source.url(user="guarded", password=PASSWORD))
    freshet.start().wait_live()
    said = ""
    for statement in ("ALTER SOURCE asked RESYNC NOW", "ALTER SOURCE other RESYNC",
                      "SELECT url, nothing FROM freshet.sources", "SELECT 1/0",
                      "SHOW ALL", "SELECT * FROM pg_settings"):
        try:
            said += str(freshet.execute(statement))
        except Exception as error:  # noqa: BLE001: the text is what counts
            said += str(error)
    assert_silent(said)
    assert freshet.value("SELECT url FROM freshet.sources") == (
        f"postgresql://guarded@127.0.0.1:{source.port}/postgres")
