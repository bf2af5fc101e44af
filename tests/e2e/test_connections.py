"""Every way to reach a source: encrypted or not, by password, certificate or socket. Each is shown by a
whole mirror: the copy, the walsender and the watch go the same way."""

import itertools
import os

import pytest

from harness.tls import Authority, encrypt
from harness.waiting import until

# Who may come how; the first line that fits decides.
RULES = """
hostssl   all encrypted all trust
hostnossl all encrypted all reject
hostssl   all certified all cert
host      all certified all reject
host      all scram     all scram-sha-256
local     all scram         scram-sha-256
"""
PASSWORD = "snow & rain/17%"
ESCAPED = "snow%20%26%20rain%2F17%25"

numbers = itertools.count()


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def source(module_servers, authority):
    server = module_servers.postgres(listen_addresses="127.0.0.1,::1")
    server.execute("CREATE TABLE t (id int PRIMARY KEY, v text);"
                   "INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i;"
                   "CREATE ROLE encrypted LOGIN SUPERUSER; CREATE ROLE certified LOGIN SUPERUSER;"
                   "SET password_encryption = 'scram-sha-256';"
                   f"CREATE ROLE scram LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
    encrypt(server, authority, "localhost", RULES)
    return server


@pytest.fixture
def follow(source, servers):
    """Follows the source through a URL, and leaves no slot behind."""
    name = f"way_{next(numbers)}"
    started = []

    def start(url: str, environment: dict[str, str] | None = None, encrypted: bool | None = None):
        freshet = servers.freshet({name: url})
        freshet.environment |= environment or {}
        started.append(freshet.start().wait_live())
        source.execute("UPDATE t SET v = v || '.' WHERE id = 1")
        freshet.wait_lsn(source)
        assert freshet.value("SELECT v FROM t WHERE id = 1") == source.value(
            "SELECT v FROM t WHERE id = 1")
        if encrypted is not None:
            ways = source.execute("SELECT ssl, a.backend_type FROM pg_stat_ssl JOIN pg_stat_activity"
                                  f" a USING (pid) WHERE application_name LIKE 'freshet {name} %'")
            assert {way for way, _ in ways} == {encrypted}, ways
            assert {"walsender", "client backend"} <= {kind for _, kind in ways}
        return freshet

    yield start
    for freshet in started:
        freshet.stop()
    source.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE"
                   f" slot_name = 'freshet_{name}'")


def refused(servers, name: str, url: str, *words: str, environment=None) -> str:
    """Freshet cannot connect, says why, and keeps nothing on the source."""
    freshet = servers.freshet({name: url})
    freshet.environment |= environment or {}
    freshet.expects_log("source interrupted|source stopped")
    freshet.spawn()
    said = until(f"{words} is said", lambda: (text := freshet.output()) and all(
        word in text for word in words) and text)
    if freshet.running:
        freshet.stop()
    else:
        freshet.wait_end()
    return said


def tls(source, mode: str, host: str = "localhost", user: str = "encrypted", **files) -> str:
    more = "".join(f"&{key}={path}" for key, path in files.items())
    return f"postgresql://{user}@{host}:{source.port}/postgres?sslmode={mode}{more}"


# Encryption.

@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_tls_is_used_in_every_mode_that_asks_for_it(source, authority, follow, mode):
    files = {} if mode == "require" else {"sslrootcert": authority.certificate}
    follow(tls(source, mode, **files), encrypted=True)


def test_a_server_that_wants_tls_refuses_a_connection_without(source, servers):
    refused(servers, "plain", tls(source, "disable"), "pg_hba.conf", "no encryption")


def test_the_name_of_another_host_is_refused(source, authority, servers, follow):
    wrong = tls(source, "verify-full", host="127.0.0.1", sslrootcert=authority.certificate)
    refused(servers, "impostor", wrong, "127.0.0.1", "does not match host name")
    follow(tls(source, "verify-ca", host="127.0.0.1", sslrootcert=authority.certificate),
           encrypted=True)


def test_a_certificate_of_another_authority_is_refused(source, servers):
    stranger = Authority("stranger")
    refused(servers, "stranger", tls(source, "verify-ca", sslrootcert=stranger.certificate),
            "certificate verify failed")


def test_a_missing_root_certificate_is_named(source, servers):
    refused(servers, "rootless", tls(source, "verify-full", sslrootcert="/no/such/ca.pem"),
            "/no/such/ca.pem")


def test_a_client_certificate_is_enough(source, authority, servers, follow):
    certificate, key = authority.sign("certified")
    files = {"sslrootcert": authority.certificate, "sslcert": certificate, "sslkey": key}
    follow(tls(source, "verify-full", user="certified", **files), encrypted=True)
    refused(servers, "uncertified", tls(source, "require", user="certified"), "certificate")


def test_a_client_key_may_be_locked(source, authority, follow):
    certificate, key = authority.sign("certified", password="key-of-snow")
    files = {"sslrootcert": authority.certificate, "sslcert": certificate, "sslkey": key,
             "sslpassword": "key-of-snow"}
    freshet = follow(tls(source, "verify-full", user="certified", **files), encrypted=True)
    assert "key-of-snow" not in freshet.output() + str(freshet.execute("TABLE freshet.sources"))


# Passwords.

def test_scram_by_the_password_in_the_url(source, follow):
    follow(f"postgresql://scram:{ESCAPED}@127.0.0.1:{source.port}/postgres?sslmode=disable",
           encrypted=False)


def test_scram_with_channel_binding(source, authority, follow):
    follow(f"postgresql://scram:{ESCAPED}@localhost:{source.port}/postgres?sslmode=verify-full"
           f"&sslrootcert={authority.certificate}&channel_binding=require", encrypted=True)


def test_scram_by_the_environment(source, servers, follow):
    url = f"postgresql://scram@127.0.0.1:{source.port}/postgres"
    follow(url, {"PGPASSWORD": PASSWORD})
    said = refused(servers, "forgetful", url, "password", environment={
        "PGPASSFILE": "/no/such/file"})
    assert PASSWORD not in said


def test_scram_by_a_password_file(source, follow, tmp_path):
    file = tmp_path / "passwords"
    file.write_text(f"127.0.0.1:{source.port}:*:scram:{PASSWORD}\n")
    file.chmod(0o600)
    follow(f"postgresql://scram@127.0.0.1:{source.port}/postgres", {"PGPASSFILE": str(file)})


def test_a_service_file(source, follow, tmp_path):
    file = tmp_path / "services"
    file.write_text(f"[shop]\nhost=127.0.0.1\nport={source.port}\nuser=scram\ndbname=postgres\n"
                    f"password={PASSWORD}\n")
    freshet = follow("service=shop", {"PGSERVICEFILE": str(file)})
    assert PASSWORD not in freshet.output() + str(freshet.execute("TABLE freshet.sources"))


# Addresses.

def test_an_ipv6_address(source, follow):
    freshet = follow(f"postgresql://postgres@[::1]:{source.port}/postgres")
    assert "[::1]" in freshet.value("SELECT url FROM freshet.sources")


def test_a_unix_socket(source, follow):
    follow(f"postgresql://postgres@/postgres?host={source.folder}&port={source.port}")


def test_the_first_of_several_hosts_that_answers(source, follow):
    follow(f"postgresql://postgres@127.0.0.1:1,127.0.0.1:{source.port}/postgres")


def test_settings_of_the_machine_are_taken(source, follow):
    assert "PGPORT" not in os.environ
    follow("host=127.0.0.1 dbname=postgres", {"PGPORT": str(source.port), "PGUSER": "postgres"})
