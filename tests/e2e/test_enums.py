"""Labels of enums that come while the table is followed, copied, or nobody looks: they have their place in the
order as soon as a row shows them, and nothing is copied for them."""

import re

import pytest

from harness.compare import until_equal
from harness.postgres import Postgres

SETUP = ("CREATE TYPE mood AS ENUM ('sad', 'happy');"
         "CREATE TABLE t (id int PRIMARY KEY, m mood, many mood[], d text DEFAULT 'x');"
         "INSERT INTO t VALUES (1, 'sad', '{happy,sad}'), (2, 'happy', NULL)")


def times_copied(freshet, table: str) -> int:
    return len(re.findall(rf"table copied .*table=public\.{table} ", freshet.log()))


def sorted_moods(server) -> list:
    rows = server.execute("SELECT m::text AS label, (m > 'sad')::text AS above FROM t ORDER BY m, id")
    return [tuple(row) for row in rows]


def assert_in_order(source: Postgres, freshet) -> None:
    freshet.wait_lsn(source)
    assert sorted_moods(freshet) == sorted_moods(source)


@pytest.mark.parametrize("told", [True, False])
def test_a_label_has_its_place_with_the_first_row_that_shows_it(servers, told):
    source = servers.postgres()
    source.execute(SETUP)
    freshet = servers.freshet(source)
    if not told:
        freshet.configure(source.url(), "event_trigger = false")
    freshet.start().wait_live()
    for i, label in enumerate(("calm", "glad", "low")):
        source.execute(f"ALTER TYPE mood ADD VALUE '{label}' BEFORE 'happy'")
        source.execute(f"INSERT INTO t VALUES ({10 + i}, '{label}', '{{{label}}}'); UPDATE t SET m = '{label}' WHERE id = 2")
        assert_in_order(source, freshet)
    # Alone in an array, and in a table that gets a column in the same transaction.
    source.execute("ALTER TYPE mood ADD VALUE 'odd' BEFORE 'sad'")
    source.execute("BEGIN; ALTER TABLE t ADD e mood DEFAULT 'odd';"
                   "INSERT INTO t VALUES (20, 'sad', '{odd}', 'y', 'odd'); COMMIT")
    assert_in_order(source, freshet)
    assert freshet.value("SELECT count(*) FROM t WHERE e < 'sad' AND (many[1] < 'sad' OR id <> 20)") == 6
    until_equal(source, freshet, "t")
    assert times_copied(freshet, "t") == 1


def test_a_prepared_statement_lives_through_a_new_label(servers):
    source = servers.postgres()
    source.execute(SETUP)
    freshet = servers.freshet(source).start().wait_live()
    with freshet.connect() as connection:
        sql = "SELECT m, many FROM t WHERE m >= %s ORDER BY m DESC, id"
        assert connection.execute(sql, ("happy",), prepare=True).fetchall() == [("happy", None)]
        source.execute("ALTER TYPE mood ADD VALUE 'calm' BEFORE 'happy'")
        source.execute("INSERT INTO t VALUES (3, 'calm', '{calm}')")
        freshet.wait_lsn(source)
        assert connection.execute(sql, ("calm",), prepare=True).fetchall() == [("happy", None), ("calm", ["calm"])]


def test_labels_that_came_while_freshet_was_away(servers):
    source = servers.postgres()
    source.execute(SETUP)
    freshet = servers.freshet(source).start().wait_live()
    freshet.stop()
    source.execute("ALTER TYPE mood ADD VALUE 'calm' BEFORE 'happy'")
    source.execute("INSERT INTO t VALUES (3, 'calm')")
    freshet.start()
    assert_in_order(source, freshet)
    source.execute("ALTER TYPE mood ADD VALUE 'never shown' BEFORE 'calm'")
    freshet.kill()
    freshet.start()
    assert_in_order(source, freshet)
    assert times_copied(freshet, "t") == 1


def test_many_enums_with_the_same_labels_and_others(servers):
    source = servers.postgres()
    source.execute(";".join(
        f"CREATE TYPE e{i} AS ENUM ('z{i % 7}', 'y', 'x'); CREATE TABLE t{i} (id int PRIMARY KEY, v e{i});"
        f"INSERT INTO t{i} VALUES (1, 'x'), (2, 'y'), (3, 'z{i % 7}')" for i in range(40)))
    freshet = servers.freshet(source).start().wait_live(*[f"public.t{i}" for i in range(40)])
    for _ in range(2):
        for i in range(40):
            assert freshet.execute(f"SELECT v FROM t{i} ORDER BY v") == [(f"z{i % 7}",), ("y",), ("x",)]
        freshet.stop()
        freshet.start()


def test_a_label_that_is_renamed_means_a_new_copy(servers):
    source = servers.postgres()
    source.execute(SETUP)
    freshet = servers.freshet(source).start().wait_live()
    source.execute("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'; INSERT INTO t VALUES (3, 'blue', '{blue}')")
    until_equal(source, freshet, "t")
    freshet.stop()
    source.execute("ALTER TYPE mood RENAME VALUE 'happy' TO 'merry'")
    freshet.start()
    until_equal(source, freshet, "t")
    assert [m for (m,) in freshet.execute("SELECT m FROM t ORDER BY m DESC, id")] == ["merry", "blue", "blue"]
