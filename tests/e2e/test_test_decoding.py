"""Followed through test_decoding, as servers before 10 are. Here by newer servers, which have it too."""

import subprocess
import threading

import pytest

from harness import compare, doctor
from harness.every_type import CHANGES, LIVE, TABLES
from harness.freshet import BINARY
from harness.waiting import until

SETTING = 'protocol = "test_decoding"'


def through_lines(servers, source, of_source: str = ""):
    """Not started yet."""
    return servers.freshet(source).configure(source.url(), f"{SETTING}\n{of_source}")


def left_on(source) -> list[tuple]:
    return source.execute("SELECT slot_name::text, plugin::text FROM pg_replication_slots UNION ALL"
                          " SELECT pubname, 'publication' FROM pg_publication ORDER BY 1")


@pytest.fixture(scope="module")
def server(module_servers):
    return module_servers.postgres()


@pytest.fixture
def source(server):
    """The server, with nothing of another test."""
    server.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots;"
                   "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return server


def assert_follows(freshet, source, change: str, *tables: str) -> None:
    source.execute(change)
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet, list(tables) or None)


def test_copies_then_follows_every_kind_of_change(source, servers):
    source.execute(TABLES)
    freshet = through_lines(servers, source).start().wait_live(*LIVE)
    assert left_on(source) == [("freshet_main", "test_decoding")]
    compare.assert_equal_tables(source, freshet)
    for change in CHANGES + ["TRUNCATE emptied, twins"]:
        assert_follows(freshet, source, change)


def test_texts_that_look_like_lines(source, servers):
    source.execute("""
        CREATE TABLE "Odd ""one"": INSERT:" (id int PRIMARY KEY, "a[b]:c" text, "new-tuple:" bytea);
        CREATE DOMAIN cents AS int; CREATE TYPE pair AS (a int, b text);
        CREATE TABLE others (id int PRIMARY KEY, price cents, both_ pair, t text)""")
    freshet = through_lines(servers, source).start().wait_live()
    assert_follows(freshet, source, r"""
        INSERT INTO "Odd ""one"": INSERT:" VALUES (1, 'it''s null', '\x00ff27'), (2, NULL, NULL),
          (3, E'BEGIN 7\nCOMMIT 7 (at 2026-01-01 00:00:00+00)\n', ''), (4, 'unchanged-toast-datum', '\x'),
          (5, E'\\ x[text]:''y'' new-tuple: id[integer]:9', NULL);
        UPDATE "Odd ""one"": INSERT:" SET id = id + 10, "a[b]:c" = "a[b]:c" || ' old-key: ' WHERE id > 2;
        INSERT INTO others VALUES (1, 5, '(1,"a b")', 'null'), (2, NULL, NULL, ''), (3, -7, NULL, 'true');
        UPDATE others SET price = price + 1; DELETE FROM others WHERE id = 3""")
    assert "copying it again" not in freshet.log()


def test_a_message_of_an_application_is_no_change(source, servers):
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    freshet = through_lines(servers, source).start().wait_live()
    assert_follows(freshet, source,
                   "SELECT pg_logical_emit_message(false, 'p', 'table public.t: INSERT: id[integer]:7');"
                   "BEGIN; INSERT INTO t VALUES (1);"
                   "SELECT pg_logical_emit_message(true, 'p', E'COMMIT\n'); INSERT INTO t VALUES (2); COMMIT")


def test_a_large_transaction(source, servers):
    """It waits on our disk until its end, and goes on in parts."""
    source.execute("CREATE TABLE big (id int PRIMARY KEY, v text); CREATE TABLE small (id int PRIMARY KEY)")
    freshet = through_lines(servers, source).start().wait_live()
    before = freshet.memory_peak_bytes()
    source.execute("BEGIN; INSERT INTO big SELECT i, repeat(md5(i::text), 16) FROM generate_series(1, 150000) i;"
                   "INSERT INTO small VALUES (1); SAVEPOINT a; INSERT INTO small VALUES (2); ROLLBACK TO a;"
                   "UPDATE big SET v = 'short' WHERE id % 10 = 0; DELETE FROM big WHERE id % 7 = 0; COMMIT;"
                   "INSERT INTO small VALUES (3)")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)
    # The transaction has 80 MB; what the store takes to keep them comes with any protocol.
    assert freshet.memory_peak_bytes() - before < 600 << 20


def test_nothing_is_lost_or_repeated_by_kills(source, servers):
    """A table without a key shows what came twice."""
    source.execute("CREATE TABLE log (n int); CREATE TABLE counter (id int PRIMARY KEY, n int);"
                   "INSERT INTO counter VALUES (1, 0)")
    freshet = through_lines(servers, source).start().wait_live()
    done = threading.Event()

    def write() -> None:
        with source.connect() as writer:
            n = 0
            while not done.is_set():
                n += 1
                writer.execute(f"BEGIN; INSERT INTO log VALUES ({n}), ({n});"
                               " UPDATE counter SET n = n + 1; COMMIT")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(3):
            reached = freshet.value("SELECT max(n) FROM counter")
            until("changes come", lambda reached=reached:
                  freshet.value("SELECT max(n) FROM counter") > reached + 50)
            freshet.kill()
            freshet.start()
    finally:
        done.set()
        thread.join()
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)
    assert left_on(source) == [("freshet_main", "test_decoding")]


ALTERATIONS = {
    "added": "ALTER TABLE t ADD d int DEFAULT 42; INSERT INTO t (id, d) VALUES (1001, 7)",
    "dropped": "BEGIN; UPDATE t SET a = 'x' WHERE id < 5; ALTER TABLE t DROP b;"
               "DELETE FROM t WHERE id < 3; UPDATE t SET id = 2000 WHERE id = 4; COMMIT",
    "renamed": "ALTER TABLE t RENAME a TO z; UPDATE t SET z = 'renamed' WHERE id < 5",
    "scaled": "ALTER TABLE t ALTER c TYPE numeric(12,4); UPDATE t SET c = 1.2345 WHERE id = 6",
    "retyped": "ALTER TABLE t ALTER b TYPE text USING 'was ' || b; UPDATE t SET b = 'is' WHERE id = 7",
    "identified": "ALTER TABLE t REPLICA IDENTITY FULL; UPDATE t SET a = NULL WHERE id = 8; DELETE FROM t WHERE id = 9",
    "named": "ALTER TABLE t REPLICA IDENTITY FULL; ALTER TABLE t REPLICA IDENTITY DEFAULT;"
             "DELETE FROM t WHERE id = 10; UPDATE t SET id = 3000 WHERE id = 11",
}


def test_tables_that_are_altered(source, servers):
    for name in ALTERATIONS:
        source.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, a text, b int, c numeric(8,2));"
                       f"INSERT INTO {name} SELECT i, 'a' || i, i, i / 4.0 FROM generate_series(1, 100) i")
    freshet = through_lines(servers, source).start().wait_live()
    for name, statements in ALTERATIONS.items():
        source.execute(statements.replace(" t ", f" {name} "))
    for name in ALTERATIONS:
        compare.until_equal(source, freshet, name)


def test_a_renamed_table_is_copied_again(source, servers):
    source.execute("CREATE TABLE before (id int PRIMARY KEY); INSERT INTO before VALUES (1)")
    freshet = through_lines(servers, source).start().wait_live()
    source.execute("ALTER TABLE before RENAME TO after_; INSERT INTO after_ VALUES (2)")
    until("it has its new name", lambda: "public.after_" in freshet.states())
    compare.until_equal(source, freshet, "after_")


def test_tables_are_added_and_dropped_without_a_publication(source, servers):
    source.execute("CREATE TABLE kept (id int PRIMARY KEY, v int); INSERT INTO kept VALUES (1, 1);"
                   "CREATE TABLE late (id int PRIMARY KEY, v text); INSERT INTO late VALUES (1, 'before')")
    freshet = through_lines(servers, source, 'tables = ["public.kept"]').start().wait_live()
    source.execute("INSERT INTO late VALUES (2, 'not yet ours')")
    freshet.execute("ALTER SOURCE main ADD TABLE late")
    source.execute("INSERT INTO late VALUES (3, 'while it is copied')")
    freshet.wait_live("public.late")
    assert_follows(freshet, source, "UPDATE late SET v = v || '!'; UPDATE kept SET v = 2", "late", "kept")
    freshet.execute("ALTER SOURCE main DROP TABLE kept")
    assert_follows(freshet, source, "INSERT INTO kept VALUES (2, 2); INSERT INTO late VALUES (4, 'x')", "late")
    assert set(freshet.states()) == {"public.late"}
    assert left_on(source) == [("freshet_main", "test_decoding")]


def test_drop_source_leaves_nothing(source, servers):
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    freshet = through_lines(servers, source).start().wait_live()
    freshet.stop()
    done = subprocess.run([BINARY, "drop-source", "main", "--data", freshet.data, "--config",
                           freshet.folder / "freshet.toml"], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert left_on(source) == []


def test_another_protocol_than_the_slot_was_made_with_is_refused(source, servers):
    source.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    freshet = through_lines(servers, source).start().wait_live()
    freshet.stop()
    freshet.configure(source.url(), 'protocol = "pgoutput"')
    freshet.expects_log("source stopped.*belongs to another database or another program")
    freshet.start()
    state = "SELECT state, hint FROM freshet.sources"
    until("the source has failed", lambda: freshet.execute(state)[0][0] == "failed")
    assert 'set it back to "test_decoding"' in freshet.execute(state)[0][1]
    freshet.stop()
    freshet.configure(source.url(), SETTING).start().wait_live()
    assert_follows(freshet, source, "INSERT INTO t VALUES (2)")


def test_a_truncate_before_11_is_seen_in_the_catalog(servers):
    source = servers.postgres(version=10)
    source.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    freshet = through_lines(servers, source).start().wait_live()
    source.execute("TRUNCATE t; INSERT INTO t VALUES (2)")
    compare.until_equal(source, freshet, "t")


def test_the_doctor_says_what_is_lost(source):
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    found = doctor.examine(source.url(), "--protocol", "test_decoding")
    found.fires("version", "info", "test_decoding", "every table of the database", "as text")
    assert "TRUNCATE" not in found.said("version")
    assert not [f for f in found.report["findings"] if f["check"] == "publications"]
    assert found.exit_code < 2


def test_texts_in_another_encoding_than_utf_8_are_refused(source):
    source.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    source.execute("CREATE TABLE t (id int PRIMARY KEY)", "latin")
    url = source.url("latin")
    doctor.examine(url, "--protocol", "test_decoding").fires("version", "blocking", "LATIN1", "pgoutput")
    doctor.examine(url).rests("version")
    source.execute("DROP DATABASE latin")
