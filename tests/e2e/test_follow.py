"""First copy, then every kind of change; restarts on either side lose and repeat nothing."""

import pytest

from harness import compare
from harness.waiting import until

ORDERS = """
CREATE TABLE orders (id int PRIMARY KEY, status text, total numeric(12,2), placed timestamptz);
INSERT INTO orders SELECT i, 'new', i / 4.0, timestamptz '2026-01-01Z' + i * interval '1 minute'
  FROM generate_series(1, 20000) i;
CREATE TABLE customers (id int PRIMARY KEY, name text);
INSERT INTO customers SELECT i, 'customer ' || i FROM generate_series(1, 1000) i;
"""


@pytest.fixture
def shop(source):
    source.execute(ORDERS)
    return source


def test_copies_then_follows_every_kind_of_change(shop, servers):
    freshet = servers.freshet(shop).start().wait_live("public.orders", "public.customers")
    compare.assert_equal_tables(shop, freshet)
    for change in [
        "INSERT INTO orders VALUES (30001, 'new', 1.25, now()), (30002, NULL, NULL, NULL)",
        "UPDATE orders SET status = 'paid' WHERE id % 3 = 0",
        "UPDATE orders SET id = id + 50000 WHERE id % 7 = 0",
        "DELETE FROM orders WHERE id % 5 = 0",
        "TRUNCATE customers",
        "INSERT INTO customers VALUES (1, 'again')",
    ]:
        shop.execute(change)
        freshet.wait_lsn(shop)
        compare.assert_equal_tables(shop, freshet)


def test_a_change_is_read_back_at_once_by_its_position(shop, servers):
    freshet = servers.freshet(shop).start().wait_live("public.orders", "public.customers")
    with freshet.connect() as reader, shop.connect() as writer:
        for i in range(200):
            writer.execute("UPDATE orders SET total = %s WHERE id = 1", (i,))
            lsn = writer.execute("SELECT pg_current_wal_lsn()::text").fetchone()[0]
            reader.execute(f"SET freshet.wait_for_lsn = '{lsn}'")
            assert reader.execute("SELECT total FROM orders WHERE id = 1").fetchone()[0] == i


@pytest.mark.parametrize("end", ["clean", "kill"])
def test_a_restarted_freshet_goes_on_without_copying_again(shop, servers, end):
    freshet = servers.freshet(shop).start().wait_live("public.orders", "public.customers")
    shop.execute("UPDATE orders SET status = 'before' WHERE id < 100")
    freshet.wait_lsn(shop)
    if end == "clean":
        assert freshet.stop() == 0
    else:
        freshet.kill()
    shop.execute("SET enable_seqscan = off;"  # a scan would look like a copy
                 "UPDATE orders SET status = 'while away' WHERE id < 50;"
                 "DELETE FROM customers WHERE id > 500")
    # Comparing scans the source too, so this is counted before it.
    copied = {table: shop.times_copied(table) for table in ("orders", "customers")}
    freshet.start().wait_live("public.orders", "public.customers")
    freshet.wait_lsn(shop)
    assert {table: shop.times_copied(table) for table in copied} == copied
    compare.assert_equal_tables(shop, freshet)


def test_data_is_readable_at_once_after_a_restart_without_the_source(shop, servers):
    freshet = servers.freshet(shop).start().wait_live("public.orders", "public.customers")
    freshet.expects_log("source interrupted")
    freshet.stop()
    shop.stop()
    freshet.start()
    assert freshet.value("SELECT count(*) FROM orders") == 20000
    shop.start()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restarted_postgres_is_followed_again(shop, servers, mode):
    freshet = servers.freshet(shop).start().wait_live("public.orders", "public.customers")
    freshet.expects_log("source interrupted")
    for round_ in range(3):
        shop.execute(f"UPDATE orders SET status = 'round {round_}' WHERE id % 10 = {round_}")
        shop.restart(mode)
        assert freshet.value("SELECT count(*) FROM orders") == 20000
        shop.execute("UPDATE customers SET name = name || '!' WHERE id < 10")
        freshet.wait_lsn(shop)
        compare.assert_equal_tables(shop, freshet)
    assert freshet.states() == {"public.orders": "live", "public.customers": "live"}


def test_a_walsender_that_was_ended_is_replaced(shop, servers):
    freshet = servers.freshet(shop).start().wait_live("public.orders", "public.customers")
    freshet.expects_log("source interrupted")
    for i in range(5):
        pids = until("a walsender runs", shop.walsenders)
        shop.execute(f"SELECT pg_terminate_backend({pids[0]});"
                     f"UPDATE orders SET status = 'round {i}' WHERE id % 5 = {i}")
        freshet.wait_lsn(shop)
    compare.assert_equal_tables(shop, freshet)


def test_a_fast_shutdown_of_postgres_is_not_held_up(shop, servers):
    freshet = servers.freshet(shop).start().wait_live("public.orders", "public.customers")
    freshet.expects_log("source interrupted")
    shop.execute("UPDATE orders SET status = 'last words'")
    # A follower that does not answer keepalives holds it until wal_sender_timeout, a minute.
    until("PostgreSQL has stopped", lambda: shop.stop("fast") or True, seconds=1)
    shop.start()
    freshet.wait_lsn(shop)
    compare.assert_equal_tables(shop, freshet)


def test_confirmed_changes_let_the_source_forget_its_wal(shop, servers):
    freshet = servers.freshet(shop).start().wait_live("public.orders", "public.customers")
    shop.execute("UPDATE orders SET total = total + 1")
    lsn = freshet.wait_lsn(shop)
    confirmed = f"SELECT confirmed_flush_lsn >= '{lsn}' FROM pg_replication_slots WHERE NOT temporary"
    until("the slot moves on", lambda: shop.value(confirmed), seconds=15)


def test_an_idle_source_lets_the_position_move_too(shop, servers):
    """Traffic of other databases must neither hold WAL nor make a reader wait."""
    freshet = servers.freshet(shop).start().wait_live("public.orders", "public.customers")
    shop.create_database("elsewhere")
    shop.execute("CREATE TABLE noise AS SELECT generate_series(1, 50000)", "elsewhere")
    lsn = freshet.wait_lsn(shop, seconds=10)
    confirmed = f"SELECT confirmed_flush_lsn >= '{lsn}' FROM pg_replication_slots WHERE NOT temporary"
    until("the slot moves on", lambda: shop.value(confirmed), seconds=15)


def test_a_transaction_larger_than_any_buffer(shop, servers):
    freshet = servers.freshet(shop).start().wait_live("public.orders", "public.customers")
    shop.execute("BEGIN; INSERT INTO customers SELECT i, repeat('x', 100)"
                 " FROM generate_series(10001, 410000) i;"
                 "UPDATE customers SET name = 'y' WHERE id > 300000;"
                 "DELETE FROM customers WHERE id BETWEEN 100000 AND 200000; COMMIT")
    freshet.wait_lsn(shop)
    compare.assert_equal_tables(shop, freshet)


def test_an_idle_position_does_not_cut_a_large_transaction(servers, source):
    """One that came just before is due to be stored while the transaction arrives, slowly."""
    source.execute("CREATE TABLE wide (id serial PRIMARY KEY, v text)")
    link = servers.link(source, bytes_per_second=4_000_000)
    freshet = servers.freshet({"main": link.url()}).start().wait_live("public.wide")
    for _ in range(3):
        source.execute("SELECT pg_logical_emit_message(false, 'nothing', 'of ours')")
        freshet.wait_lsn(source)
        source.execute("INSERT INTO wide (v) SELECT repeat('x', 700000) FROM generate_series(1, 10)")
        freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)
