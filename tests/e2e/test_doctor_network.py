"""What the doctor says about the way to a source: encryption, and poolers in between."""

import pytest

from harness import doctor
from harness.pooler import Pooler
from harness.tls import Authority, encrypt


@pytest.fixture(scope="module")
def source(module_servers):
    server = module_servers.postgres()
    server.execute("CREATE TABLE t (id int PRIMARY KEY); CREATE ROLE stranger LOGIN SUPERUSER")
    return server


@pytest.fixture
def pooler(source, request):
    pooler = Pooler(source, **getattr(request, "param", {}))
    yield pooler
    pooler.stop()


# What a pooler does with the settings that our connections begin with.
TOLERANT = {"ignore_startup_parameters": "options,extra_float_digits,lock_timeout"}


def test_a_pooler_that_refuses_our_settings_is_recognised(pooler):
    found = doctor.examine(pooler.url())
    assert found.exit_code == 2
    found.fires("connection", "blocking", "unsupported startup parameter")
    assert "PgBouncer" in found.of("connection")[0]["detail"]


@pytest.mark.parametrize("pooler", [TOLERANT], indirect=True)
def test_a_pooler_that_drops_our_settings_is_recognised(pooler):
    found = doctor.examine(pooler.url())
    assert found.exit_code == 2
    found.fires("pooler", "blocking", "a connection pooler is in between")


@pytest.mark.parametrize("pooler", [{}, TOLERANT], indirect=True, ids=["strict", "tolerant"])
def test_serve_refuses_a_pooler(pooler, servers):
    freshet = servers.freshet({"pooled": pooler.url()})
    freshet.expects_log("source stopped|source interrupted")
    assert freshet.spawn().wait_end() != 0
    assert "pooler" in freshet.output()


def test_encryption_and_its_certificate(source):
    doctor.examine(source.url()).fires("encryption", "fine", "does not leave this machine")
    authority = Authority()
    encrypt(source, authority, "localhost", "hostssl all stranger all reject\n"
                                            "hostnossl all stranger all reject\n")
    url = f"postgresql://postgres@localhost:{source.port}/postgres"
    doctor.examine(f"{url}?sslmode=require").fires("encryption", "info", "nobody checked", "TLSv1",
                                                   "sslmode=verify-full")
    doctor.examine(f"{url}?sslmode=verify-full&sslrootcert={authority.certificate}").fires(
        "encryption", "fine", "the server's certificate was checked (verify-full)")


def test_a_role_that_is_not_let_in_gets_the_line_that_lets_it(source):
    source.execute("ALTER SYSTEM SET ssl = off")
    access = source.folder / "data" / "pg_hba.conf"
    access.write_text("host all stranger all reject\n" + access.read_text())
    source.execute("SELECT pg_reload_conf()")
    found = doctor.examine(source.url(user="stranger"))
    found.fires("connection", "blocking", "pg_hba.conf", "stranger")
