"""`freshet drop-source` leaves nothing behind on a source, whether Freshet runs, is stopped, or is gone
with its folder."""

import subprocess

import pytest

from harness import compare
from harness.freshet import BINARY
from harness.waiting import until


@pytest.fixture(scope="module")
def postgres(module_servers):
    return module_servers.postgres()


@pytest.fixture
def source(postgres):
    postgres.execute("DROP TABLE IF EXISTS t, log; CREATE TABLE t (id int PRIMARY KEY, v text);"
                     "CREATE TABLE log (v text); INSERT INTO t VALUES (1, 'v')")
    yield postgres
    assert everything(postgres) == [], "the test left something"


def everything(source) -> list[tuple]:
    """All that could be ours, in this database and in the cluster."""
    return source.execute(
        "SELECT 'slot', slot_name::text FROM pg_replication_slots UNION ALL"
        " SELECT 'publication', pubname FROM pg_publication UNION ALL"
        " SELECT 'trigger', evtname FROM pg_event_trigger UNION ALL"
        " SELECT 'schema', nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN"
        " ('public', 'information_schema') UNION ALL"
        " SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace UNION ALL"
        " SELECT 'relation', relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND"
        " relname NOT IN ('t', 't_pkey', 'log') AND relname !~ '^pg_toast' UNION ALL"
        " SELECT 'replica identity', relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relreplident NOT IN ('d', 'n') UNION ALL"
        " SELECT 'lock', l.pid::text FROM pg_locks l WHERE locktype = 'advisory' UNION ALL"
        " SELECT 'setting', setconfig::text FROM pg_db_role_setting")


def drop(source, *options: str, name: str = "main", url: str = "") -> subprocess.CompletedProcess:
    return subprocess.run([BINARY, "drop-source", f"{name}={url or source.url()}", *options],
                          capture_output=True, text=True, timeout=60, check=False)


def mirrored(servers, source, name: str = "main"):
    freshet = servers.freshet({name: source.url()}).start().wait_live()
    assert {("slot", f"freshet_{name}"), ("publication", f"freshet_{name}"),
            ("publication", f"freshet_{name}_inserts")} <= set(everything(source))
    return freshet


def test_it_lists_first_and_then_leaves_nothing(source, servers):
    freshet = mirrored(servers, source)
    freshet.stop()
    before = everything(source)
    listed = drop(source, "--dry-run")
    assert listed.returncode == 0, listed.stderr
    for word in ("freshet_main", "freshet_main_inserts", "nobody reads it", "made by freshet",
                 "SELECT pg_drop_replication_slot('freshet_main');",
                 'DROP PUBLICATION IF EXISTS "freshet_main";', "nothing was changed"):
        assert word in listed.stdout, listed.stdout
    assert everything(source) == before
    done = drop(source)
    assert done.returncode == 0, done.stderr
    assert everything(source) == []
    assert "dropped replication slot freshet_main" in done.stdout
    again = drop(source)
    assert again.returncode == 0 and "nothing of source main is left" in again.stdout
    # The rows here stay readable, marked stale.
    freshet.expects_log("source stopped")
    freshet.start()
    until("the source is stale", lambda: freshet.value("SELECT state FROM freshet.sources") == "stale")
    assert freshet.execute("SELECT * FROM t") == [(1, "v")]


def test_the_data_folder_goes_with_it(source, servers):
    freshet = mirrored(servers, source)
    freshet.stop()
    done = drop(source, "--data", str(freshet.data))
    assert done.returncode == 0, done.stderr
    assert "forgot 2 collections" in done.stdout
    assert everything(source) == []
    assert not (freshet.data / "streams" / "main").exists()
    again = drop(source, "--data", str(freshet.data))
    assert again.returncode == 0 and "has no source main" in again.stdout
    source.execute("UPDATE t SET v = 'new'")
    freshet.start().wait_live()  # begins again, from nothing
    compare.assert_equal_tables(source, freshet)
    freshet.stop()
    assert drop(source).returncode == 0


def test_the_data_folder_may_be_gone(source, servers):
    freshet = mirrored(servers, source)
    freshet.kill()
    freshet.remove()
    # PostgreSQL may not have noticed yet that its reader is gone.
    until("nobody reads the slot", lambda: not source.execute(
        "SELECT 1 FROM pg_replication_slots WHERE active"))
    done = drop(source)
    assert done.returncode == 0, done.stderr
    assert everything(source) == []


def test_a_running_server_is_not_disturbed(source, servers):
    freshet = mirrored(servers, source)
    refused = drop(source)
    assert refused.returncode == 1
    assert "another Freshet follows this source as freshet_main" in refused.stderr
    assert "application 'freshet main" in refused.stderr and "--force" in refused.stderr
    folder = drop(source, "--data", str(freshet.data))
    assert folder.returncode == 1 and str(freshet.data) in folder.stderr
    source.execute("INSERT INTO t VALUES (2, 'still followed')")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)
    freshet.expects_log("source interrupted|source stopped")
    forced = drop(source, "--force")
    assert forced.returncode == 0, forced.stderr
    until("the source is stale", lambda: freshet.value("SELECT state FROM freshet.sources") == "stale")
    assert freshet.value("SELECT count(*) FROM t") == 2
    assert everything(source) == []


def test_another_reader_of_the_slot_is_named(source, servers):
    mirrored(servers, source).stop()
    reader = subprocess.Popen(
        ["pg_recvlogical", "-d", source.url(), "--slot", "freshet_main", "--start", "--no-loop", "-f",
         "/dev/null", "-o", "proto_version=1", "-o", "publication_names=freshet_main"])
    try:
        pid = until("it reads the slot", lambda: source.value(
            "SELECT active_pid FROM pg_replication_slots"))
        refused = drop(source)
        assert refused.returncode == 1
        assert f"process {pid} reads it" in refused.stderr and "--force" in refused.stderr
        assert drop(source, "--force").returncode == 0
        assert reader.wait(30) != 0
    finally:
        reader.kill()
        reader.wait()
    assert everything(source) == []


def test_what_another_folder_made_stays(source, servers):
    mirrored(servers, source).stop()
    other = servers.freshet({"main": source.url("template1")})
    other.expects_log("source stopped")
    other.start()
    other.stop()
    refused = drop(source, "--data", str(other.data))
    assert refused.returncode == 1 and "belongs to another Freshet" in refused.stderr
    assert drop(source).returncode == 0


def test_a_role_that_may_not_says_what_is_left(source, servers):
    mirrored(servers, source).stop()
    source.execute("CREATE ROLE small LOGIN REPLICATION")
    try:
        done = drop(source, url=source.url(user="small"))
        assert done.returncode == 1
        assert "dropped replication slot freshet_main" in done.stdout
        assert "publication freshet_main is still there" in done.stderr
        assert 'By hand: DROP PUBLICATION IF EXISTS "freshet_main";' in done.stderr
        assert "nothing of source" not in done.stdout
    finally:
        source.execute("DROP ROLE small")
    assert drop(source).returncode == 0


def test_other_sources_stay_and_are_named(source, servers):
    mirrored(servers, source, "shop").stop()
    wrong = drop(source, name="shopp")
    assert wrong.returncode == 0
    assert "other sources of Freshet: shop" in wrong.stdout
    assert ("slot", "freshet_shop") in everything(source)
    assert drop(source, name="shop").returncode == 0


def test_a_name_of_the_settings_file_is_enough(source, servers):
    freshet = mirrored(servers, source)
    freshet.stop()
    (freshet.data / "freshet.toml").write_text(
        f'[[source]]\nname = "main"\nurl = "{source.url()}"\n')
    done = subprocess.run([BINARY, "drop-source", "main", "--data", freshet.data], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert everything(source) == []


def test_what_cannot_be_reached_or_understood(source, tmp_path):
    nobody = drop(source, url="postgresql://postgres@127.0.0.1:1/postgres")
    assert nobody.returncode == 2 and "127.0.0.1" in nobody.stderr
    folder = drop(source, "--data", str(tmp_path))
    assert folder.returncode == 2 and str(tmp_path) in folder.stderr
    assert not list(tmp_path.iterdir())


def test_a_role_that_only_reads_by_default(source, servers):
    mirrored(servers, source).stop()
    source.execute("CREATE ROLE careful LOGIN SUPERUSER;"
                   "ALTER ROLE careful SET default_transaction_read_only = on")
    try:
        assert drop(source, url=source.url(user="careful")).returncode == 0
    finally:
        source.execute("DROP ROLE careful")
    assert everything(source) == []
