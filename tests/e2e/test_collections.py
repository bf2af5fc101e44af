"""Collections that transformations make of mirrored tables: created by SQL, in step with their tables."""

import random

import psycopg
import pytest

from harness import pgbench
from harness.waiting import until

ORDERS = ("CREATE TABLE orders (id int PRIMARY KEY, status text NOT NULL, amount text, note text);"
          "INSERT INTO orders SELECT i, CASE i % 3 WHEN 0 THEN 'open' WHEN 1 THEN 'paid' ELSE 'void' END,"
          " (i % 100) || '.50', repeat('n', i % 7) FROM generate_series(1, 3000) i")

# The same question to both: the transformation to the source, the collection to Freshet.
PAID = "SELECT id, CAST(amount AS numeric(10,2)) AS amount, upper(note) AS note FROM {} WHERE status = 'paid'"


@pytest.fixture
def orders(source):
    source.execute(ORDERS)
    return source


@pytest.fixture
def freshet(orders, servers):
    return servers.freshet(orders).start().wait_live()


def create(freshet, sql: str, name: str = "paid", options: str = "", table: str = "orders") -> None:
    freshet.execute(f"CREATE COLLECTION {name} FROM {table} {options} AS {sql}")
    wait_filled(freshet, name)


def wait_filled(freshet, name: str = "paid") -> None:
    def state():
        return freshet.execute(f"SELECT state, last_error FROM freshet.tables WHERE name = '{name}'")[0]
    until(f"{name} is filled", lambda: state()[0] != "catching_up")
    assert state()[0] == "live", state()


def assert_equal(source, freshet, sql: str = PAID, name: str = "paid", table: str = "orders") -> None:
    freshet.wait_lsn(source)
    assert sorted(freshet.execute(f"SELECT * FROM {name}")) == sorted(source.execute(sql.format(table)))


def test_a_collection_is_filled_and_follows(orders, freshet):
    create(freshet, PAID.format("_input"))
    assert_equal(orders, freshet)
    orders.execute("UPDATE orders SET status = 'paid' WHERE id % 5 = 0;"
                   "UPDATE orders SET status = 'void' WHERE id % 7 = 0;"
                   "DELETE FROM orders WHERE id % 11 = 0;"
                   "UPDATE orders SET id = id + 10000 WHERE id % 13 = 0;"
                   "INSERT INTO orders SELECT i, 'paid', '1.25', NULL FROM generate_series(5000, 5100) i")
    assert_equal(orders, freshet)
    orders.execute("TRUNCATE orders; INSERT INTO orders VALUES (1, 'paid', '3', 'x'), (2, 'open', '4', 'y')")
    assert_equal(orders, freshet)
    freshet.kill()
    orders.execute("INSERT INTO orders VALUES (3, 'paid', '5', 'z'); DELETE FROM orders WHERE id = 1")
    freshet.start().wait_live()
    assert_equal(orders, freshet)


def test_it_reads_like_a_table(orders, freshet):
    create(freshet, PAID.format("_input"))
    with freshet.connect() as connection:
        columns = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = 'paid' ORDER BY ordinal_position").fetchall()
        assert columns == [("id", "integer"), ("amount", "numeric"), ("note", "text")]
    assert freshet.execute("SELECT source, schema, name, table_name, primary_key, on_error, retention_seconds"
                           " FROM freshet.collections") == [
        (freshet.execute("SELECT name FROM freshet.sources")[0][0], "public", "paid", "orders", "id",
         "reject", None)]


def test_unchanged_large_values_are_there(source, servers):
    source.execute("CREATE TABLE orders (id int PRIMARY KEY, n int, body text);"
                   "ALTER TABLE orders ALTER body SET STORAGE EXTERNAL;"
                   "INSERT INTO orders SELECT i, 0, repeat(i::text, 3000) FROM generate_series(1, 20) i")
    freshet = servers.freshet(source).start().wait_live()
    sql = "SELECT id, n, length(body) AS size, md5(body) AS hash FROM {} WHERE n < 5"
    create(freshet, sql.format("_input"), "bodies")
    source.execute("UPDATE orders SET n = n + 1; UPDATE orders SET n = 9 WHERE id < 4;"
                   "BEGIN; UPDATE orders SET n = 2 WHERE id < 3; UPDATE orders SET n = 3 WHERE id = 1; COMMIT")
    assert_equal(source, freshet, sql, "bodies")


def test_several_of_one_table_and_keys_of_their_own(orders, freshet):
    create(freshet, "SELECT * EXCEPT (amount, note), '* EXCEPT (id)' AS x FROM _input", "parts")
    assert freshet.execute("SELECT * FROM parts WHERE id = 1") == [(1, "paid", "* EXCEPT (id)")]
    create(freshet, "SELECT 'o-' || id AS _id, status FROM _input", "by_id")
    create(freshet, "SELECT status FROM _input WHERE status <> 'void'", "no_key")
    create(freshet, "SELECT id * 2 AS n, note FROM _input", "by_n", "WITH (primary_key = n)")
    orders.execute("UPDATE orders SET status = 'open' WHERE id <= 100; DELETE FROM orders WHERE id > 2900")
    assert_equal(orders, freshet, "SELECT 'o-' || id, status FROM {}", "by_id")
    assert_equal(orders, freshet, "SELECT id * 2, note FROM {}", "by_n")
    freshet.wait_lsn(orders)
    assert freshet.execute("SELECT status, count(*) FROM no_key GROUP BY 1 ORDER BY 1") == orders.execute(
        "SELECT status, count(*) FROM orders WHERE status <> 'void' GROUP BY 1 ORDER BY 1")
    assert freshet.value("SELECT count(DISTINCT _id) = count(*) FROM no_key")


def test_metadata_tells_where_a_row_came_from(orders, freshet):
    create(freshet, "SELECT id, _op AS op, _lsn AS lsn, _commit_time AS came, _table AS t FROM _input", "seen")
    assert freshet.value("SELECT string_agg(DISTINCT op || t, '') FROM seen") == "INSERTpublic.orders"
    orders.execute("UPDATE orders SET note = 'x' WHERE id = 1")
    freshet.wait_lsn(orders)
    op, young, after = freshet.execute(
        "SELECT op, came > now() - interval '1 minute', came > (SELECT max(came) FROM seen WHERE id = 2)"
        " FROM seen WHERE id = 1")[0]
    assert (op, young, after) == ("UPDATE", True, True)


def test_rows_that_fail_are_kept_aside(orders, freshet):
    create(freshet, "SELECT id, CAST(amount AS int) AS amount FROM _input", "whole")
    orders.execute("INSERT INTO orders VALUES (9001, 'open', 'much', 'x'), (9002, 'open', '7', 'y')")
    freshet.wait_lsn(orders)
    assert freshet.execute("SELECT id, amount FROM whole WHERE id > 9000") == [(9002, 7)]
    name, state, row = freshet.execute(
        "SELECT name, sqlstate, row->>'amount' FROM freshet.rejects ORDER BY number DESC LIMIT 1")[0]
    assert (name, state, row) == ("whole", "22P02", "much")
    metrics = freshet.get("/metrics")[1]
    assert "freshet_collection_rejected_rows_total 1\n" in metrics
    orders.execute("UPDATE orders SET amount = '8' WHERE id = 9001")
    freshet.wait_lsn(orders)
    assert freshet.value("SELECT amount FROM whole WHERE id = 9001") == 8


def test_on_error_stop_stops_that_collection_only(orders, freshet):
    freshet.expects_log("collection failed")
    create(freshet, "SELECT id, CAST(amount AS int) AS amount FROM _input", "strict", "WITH (on_error = stop)")
    create(freshet, PAID.format("_input"))
    orders.execute("INSERT INTO orders VALUES (9001, 'paid', '1', 'x'), (9002, 'void', 'much', 'x')")
    orders.execute("UPDATE orders SET note = 'z' WHERE id < 10")
    assert_equal(orders, freshet)
    state, why = freshet.execute("SELECT state, last_error FROM freshet.tables WHERE name = 'strict'")[0]
    assert state == "failed" and "much" in why
    orders.execute("DELETE FROM orders WHERE id = 9002")
    freshet.wait_lsn(orders)
    freshet.execute("ALTER COLLECTION strict RESYNC")
    wait_filled(freshet, "strict")
    assert_equal(orders, freshet, "SELECT id, round(amount::numeric)::int FROM {}", "strict")


def test_replace_rebuilds_while_the_old_rows_answer(orders, freshet):
    create(freshet, PAID.format("_input"))
    before = freshet.value("SELECT count(*) FROM paid")
    with freshet.connect() as connection:
        with pytest.raises(psycopg.errors.DuplicateTable):
            connection.execute("CREATE COLLECTION paid FROM orders AS SELECT * FROM _input")
        connection.execute("CREATE COLLECTION IF NOT EXISTS paid FROM orders AS SELECT * FROM _input")
        connection.execute("CREATE OR REPLACE COLLECTION paid FROM orders AS SELECT id FROM _input")
        assert connection.execute("SELECT count(*) FROM paid").fetchone()[0] in (before, 3000)
    wait_filled(freshet)
    assert_equal(orders, freshet, "SELECT id FROM {}")
    freshet.execute("DROP COLLECTION paid")
    freshet.execute("DROP COLLECTION IF EXISTS paid")
    assert freshet.value("SELECT count(*) FROM freshet.collections") == 0
    with freshet.connect() as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM paid")


@pytest.mark.parametrize("statement, state, names", [
    ("CREATE COLLECTION c FROM nothing AS SELECT * FROM _input", "42P01", "nothing"),
    ("CREATE COLLECTION c FROM orders AS SELECT nothing FROM _input", "42703", "nothing"),
    ("CREATE COLLECTION c FROM orders AS SELEC id FROM _input", "42601", ""),
    ("CREATE COLLECTION c FROM orders AS SELECT id FROM _input ORDER BY id", "0A000", "ORDER BY"),
    ("CREATE COLLECTION c FROM orders AS SELECT id FROM other", "0A000", "_input"),
    ("CREATE COLLECTION c FROM orders WITH (primary_key = status) AS SELECT status FROM _input", "42P16",
     "status"),
    ("CREATE COLLECTION c FROM orders WITH (retention = 'soon') AS SELECT id FROM _input", "22023", "soon"),
    ("CREATE COLLECTION c FROM orders WITH (retention = '1 day') AS SELECT id FROM _input", "42P16",
     "_event_time"),
    ("CREATE COLLECTION c FROM orders WITH (colour = red) AS SELECT id FROM _input", "22023", "colour"),
    ("CREATE COLLECTION c FROM orders AS SELECT id, getenv('HOME') AS h FROM _input", "42501", "getenv"),
    ("CREATE COLLECTION orders FROM orders AS SELECT id FROM _input", "42P07", "orders"),
    ("CREATE COLLECTION c FROM orders", "42601", "end of input"),
    ("DROP COLLECTION orders", "42809", "mirrors"),
    ("DROP COLLECTION nothing", "42P01", "nothing"),
    ("CREATE TABLE c (id int)", "25006", ""),
])
def test_what_is_wrong_is_said(orders, freshet, statement, state, names):
    with freshet.connect() as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(statement)
    assert refused.value.sqlstate == state, refused.value
    assert names in str(refused.value)
    assert freshet.value("SELECT count(*) FROM freshet.collections") == 0


def test_altered_tables_take_their_collections_along(orders, freshet):
    create(freshet, "SELECT * FROM _input WHERE status = 'paid'", "everything")
    create(freshet, PAID.format("_input"))
    orders.execute("ALTER TABLE orders ADD COLUMN extra int DEFAULT 7;"
                   "UPDATE orders SET extra = 8 WHERE id % 2 = 0")
    freshet.wait_lsn(orders)
    wait_filled(freshet, "everything")
    assert_equal(orders, freshet, "SELECT * FROM {} WHERE status = 'paid'", "everything")
    assert_equal(orders, freshet)
    freshet.expects_log("collection failed")
    orders.execute("ALTER TABLE orders DROP COLUMN note; INSERT INTO orders VALUES (9001, 'paid', '1', 1)")
    freshet.wait_lsn(orders)
    wait_filled(freshet, "everything")
    assert_equal(orders, freshet, "SELECT * FROM {} WHERE status = 'paid'", "everything")
    until("the collection that needs the column says so", lambda: "note" in freshet.value(
        "SELECT last_error FROM freshet.tables WHERE name = 'paid' AND state = 'failed'") or None)


def test_a_table_that_is_copied_again_fills_them_again(orders, freshet):
    create(freshet, PAID.format("_input"))
    orders.execute("UPDATE orders SET note = 'q' WHERE id < 50")
    freshet.execute("ALTER COLLECTION orders RESYNC")
    until("the copy has taken its place", lambda: freshet.value(
        "SELECT count(*) FROM freshet.progress") == 0)
    wait_filled(freshet)
    assert_equal(orders, freshet)
    with freshet.connect() as connection, pytest.raises(psycopg.errors.FeatureNotSupported):
        connection.execute("ALTER COLLECTION paid PAUSE")


def test_both_are_at_one_position_while_a_bank_is_busy(source, servers):
    """Created, filled and followed under load; a statement over both sees one position."""
    pgbench.initialize(source, scale=2)
    freshet = servers.freshet(source).start().wait_live()
    writer = pgbench.Writer(source, clients=2)
    try:
        freshet.execute("CREATE COLLECTION rich FROM pgbench_accounts AS"
                        " SELECT aid, abalance AS balance FROM _input WHERE abalance <> 0")
        wait_filled(freshet, "rich")
        for _ in range(100):
            mine, its, count, accounts = freshet.execute(
                "SELECT (SELECT sum(balance) FROM rich), (SELECT sum(tbalance) FROM pgbench_tellers),"
                " (SELECT count(*) FROM rich), (SELECT count(*) FROM pgbench_accounts WHERE abalance <> 0)")[0]
            assert (mine, count) == (its, accounts)
    finally:
        writer.stop()
    assert_equal(source, freshet, "SELECT aid, abalance FROM {} WHERE abalance <> 0", "rich",
                 "pgbench_accounts")


def test_nothing_is_lost_or_doubled_through_kills(source, servers):
    """A filtered collection and a rollup of a busy bank, killed while they are filled and followed."""
    pgbench.initialize(source, scale=2)
    freshet = servers.freshet(source).start().wait_live()
    freshet.expects_faults()
    rich = "SELECT aid, abalance AS balance FROM {} WHERE abalance <> 0"
    branches = ("SELECT bid, count(*) AS n, sum(abalance) AS balance, max(abalance) AS most FROM {}"
                " WHERE aid % 3 = 0 GROUP BY bid")
    writer = pgbench.Writer(source, clients=2)
    try:
        freshet.execute(f"CREATE COLLECTION rich FROM pgbench_accounts AS {rich.format('_input')}")
        freshet.execute(f"CREATE COLLECTION branches FROM pgbench_accounts AS {branches.format('_input')}")
        for i in range(6):
            if i > 1:
                wait_filled(freshet, "rich")
                wait_filled(freshet, "branches")
                mine, its = freshet.execute("SELECT (SELECT sum(balance) FROM rich),"
                                            " (SELECT sum(tbalance) FROM pgbench_tellers)")[0]
                assert mine == its
            freshet.kill()
            freshet.start().wait_live(seconds=60)
    finally:
        writer.stop()
    wait_filled(freshet, "branches")
    assert_equal(source, freshet, rich, "rich", "pgbench_accounts")
    assert_equal(source, freshet, branches, "branches", "pgbench_accounts")


def test_a_paused_table_pauses_what_is_made_of_it(orders, freshet):
    create(freshet, PAID.format("_input"))
    create(freshet, BY_REGION.format("_input"), "by_status")
    before = freshet.execute("SELECT * FROM by_status ORDER BY status")
    freshet.execute("ALTER COLLECTION orders PAUSE")
    orders.execute("UPDATE orders SET status = 'paid'; DELETE FROM orders WHERE id > 2000")
    freshet.wait_lsn(orders)
    assert freshet.execute("SELECT * FROM by_status ORDER BY status") == before
    assert freshet.value("SELECT state FROM freshet.tables WHERE name = 'by_status'") == "paused"
    freshet.execute("ALTER COLLECTION orders RESUME")
    freshet.wait_live()
    wait_filled(freshet, "paid")
    wait_filled(freshet, "by_status")
    assert_equal(orders, freshet)
    assert_equal(orders, freshet, BY_REGION, "by_status")


BY_REGION = ("SELECT status, count(*) AS n, count(note) AS notes, sum(id) AS ids, sum(amount::numeric(10,2)) AS total,"
             " min(id) AS first, max(amount::numeric(10,2)) AS most, count(DISTINCT amount) AS kinds"
             " FROM {} WHERE id % 10 <> 0 GROUP BY status")


def test_a_rollup_is_its_query_at_every_position(orders, freshet):
    """Random transactions; after each the rollup is read at exactly the position that follows it."""
    create(freshet, BY_REGION.format("_input"), "by_status")
    columns = freshet.execute("SELECT column_name FROM information_schema.columns"
                              " WHERE table_name = 'by_status' ORDER BY ordinal_position")
    assert [name for name, in columns] == ["status", "n", "notes", "ids", "total", "first", "most", "kinds"]
    changes = random.Random(5)
    for _ in range(40):
        statements = changes.choices([
            "UPDATE orders SET status = CASE WHEN random() < 0.5 THEN 'paid' ELSE 'x' || id % 3 END"
            f" WHERE id % 17 = {changes.randrange(17)}",
            f"DELETE FROM orders WHERE id % 50 = {changes.randrange(50)}",
            f"UPDATE orders SET amount = id % 7, note = nullif(note, '') WHERE id % 9 = {changes.randrange(9)}",
            f"INSERT INTO orders SELECT i, 'new', i % 5, NULL FROM generate_series({changes.randrange(10000, 90000)},"
            " 90010) i LIMIT 20 ON CONFLICT DO NOTHING",
            "UPDATE orders SET id = id + 200000 WHERE id = (SELECT min(id) FROM orders)",
            "DELETE FROM orders WHERE status = 'open'",
        ], k=changes.randrange(1, 4))
        orders.execute("BEGIN; " + "; ".join(statements) + "; COMMIT")
        assert_equal(orders, freshet, BY_REGION, "by_status")
    freshet.kill()
    orders.execute("TRUNCATE orders; INSERT INTO orders VALUES (1, 'one', '1', 'x')")
    freshet.start().wait_live()
    assert_equal(orders, freshet, BY_REGION, "by_status")


def test_a_rollup_says_what_it_cannot_do(orders, freshet):
    for sql, state in [("SELECT status, note, count(*) AS n FROM _input GROUP BY status", "42803"),
                       ("SELECT status, count(*) AS n FROM _input GROUP BY ROLLUP (status)", "0A000"),
                       ("SELECT status, max(now()) AS n FROM _input GROUP BY status", "0A000"),
                       ("SELECT count(*) AS n FROM _input", "42803")]:
        with freshet.connect() as connection, pytest.raises(psycopg.Error) as refused:
            connection.execute("CREATE COLLECTION c FROM orders AS " + sql)
        assert refused.value.sqlstate == state, (sql, refused.value)


def configure(freshet, url: str, sql: str, more: str = "") -> None:
    path = freshet.folder / "freshet.toml"
    path.write_text(f"""
[[source]]
name = "main"
url = "{url}"

[[source.collection]]
name = "paid"
from = "orders"
sql = '''{sql}'''
{more}
""")
    freshet.sources = {}
    freshet.options = ["--config", str(path)]


def test_collections_of_the_settings_file(orders, servers):
    freshet = servers.freshet({})
    configure(freshet, orders.url(), PAID.format("_input"))
    freshet.start().wait_live()
    until("it is made", lambda: freshet.value("SELECT count(*) FROM freshet.collections") == 1)
    wait_filled(freshet)
    assert_equal(orders, freshet)
    freshet.stop()
    freshet.start().wait_live()
    assert_equal(orders, freshet)
    freshet.stop()
    assert freshet.log().count("collection created") == 1, "the same definition makes nothing anew"
    configure(freshet, orders.url(), "SELECT id, note FROM _input", "on_error = 'stop'")
    freshet.start().wait_live()
    until("it is made anew", lambda: freshet.value("SELECT on_error FROM freshet.collections") == "stop")
    wait_filled(freshet)
    assert_equal(orders, freshet, "SELECT id, note FROM {}")
    freshet.stop()
    configure(freshet, orders.url(), "SELECT nothing FROM _input")
    freshet.expects_log("configured collection cannot be made")
    freshet.start().wait_live()
    until("the terminal says why", lambda: "collection public.paid" in freshet.output())
    assert_equal(orders, freshet, "SELECT id, note FROM {}")


def test_rows_leave_when_they_are_too_old(orders, freshet):
    create(freshet, "SELECT id, CASE WHEN id < 100 THEN now() - interval '2 days' ELSE now() END"
           " AS _event_time FROM _input", "recent", "WITH (retention = '1 day')")
    freshet.wait_lsn(orders)
    assert freshet.execute("SELECT count(*), min(id) FROM recent") == [(2901, 100)]
    orders.execute("INSERT INTO orders VALUES (-1, 'open', '1', '')")
    freshet.wait_lsn(orders)
    until("the old row has left", lambda: freshet.value("SELECT count(*) FROM recent WHERE id < 0") == 0)
