"""Numbers without a precision through drivers, and what a query cannot do with them."""

from decimal import Decimal

import psycopg
import pytest

from harness import compare


@pytest.fixture(scope="module")
def world(module_servers):
    source = module_servers.postgres()
    source.execute("CREATE TABLE t (id int PRIMARY KEY, n numeric); INSERT INTO t VALUES (1, 1.49), (2, 1.50),"
                   " (3, 20), (4, 100), (5, NULL), (6, -0.5)")
    return source, module_servers.freshet(source).start().wait_live()


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("value", [Decimal("1.4"), Decimal("1.5"), 20, 1.495, Decimal("1e2"), "1.49"], ids=repr)
def test_parameters_of_every_kind_are_compared_without_rounding(world, value, binary):
    source, freshet = world
    for operator in ("=", ">", "<="):
        sql = f"SELECT id FROM t WHERE n {operator} %{'b' if binary and not isinstance(value, str) else 's'} ORDER BY id"
        assert freshet.execute(sql, (value,)) == _ask(source, sql, value), operator


def _ask(source, sql: str, *values) -> list[tuple]:
    with source.connect() as connection:
        return connection.execute(sql, values or None).fetchall()


def test_values_come_as_numbers_in_text_and_in_binary(world):
    _, freshet = world
    for binary in (False, True):
        with freshet.connect() as connection:
            cursor = connection.cursor(binary=binary)
            rows = cursor.execute("SELECT n, sum(n), n * 2 FROM t WHERE id < 3 GROUP BY n ORDER BY n").fetchall()
            assert rows == [(Decimal("1.49"), Decimal("1.49"), Decimal("2.98")),
                            (Decimal("1.5"), Decimal("1.5"), Decimal("3"))]
            assert [column.type_code for column in cursor.description] == [1700] * 3


def test_names_and_places_are_those_of_the_clients_statement(world):
    _, freshet = world
    with freshet.connect() as connection:
        cursor = connection.execute("SELECT sum(n), AVG (n) AS mean FROM t")
        assert [column.name for column in cursor.description] == ["sum(n)", "mean"]
        with pytest.raises(psycopg.errors.UndefinedFunction) as refused:
            connection.execute("SELECT sum(n), sqrt(n) FROM t GROUP BY n")
        assert refused.value.diag.statement_position == "16"


@pytest.mark.parametrize("sql, state", [
    ("SELECT n / 0 FROM t", "22012"), ("SELECT '1e30'::numeric_value * n * 1e10 FROM t", "22003"),
    ("SELECT n::smallint * 1000 FROM t WHERE id = 4", "22003"), ("SELECT n > 'x' FROM t", "22P02"),
    ("SELECT sqrt(n) FROM t", "42883"), ("SELECT sum(n) OVER () FROM t", "42883"),
    ("SELECT avg(n) FILTER (WHERE id > 1) OVER (ORDER BY id) FROM t", "42883"),
    ("SELECT sum(n), sum(n) OVER w FROM t GROUP BY n WINDOW w AS ()", "42883"),
    ("SELECT numeric_sum(n) OVER () FROM t", "42501"), ("SELECT numeric_sum(n) FROM t", "42501")])
def test_what_cannot_be_computed_is_refused(world, sql, state):
    with pytest.raises(psycopg.Error) as refused:
        world[1].execute(sql)
    assert refused.value.sqlstate == state


def test_transformations_and_rollups_see_numbers(world):
    source, freshet = world
    freshet.execute("CREATE COLLECTION above FROM t AS SELECT id, n + 1 AS more FROM _input WHERE n > 1.4")
    freshet.execute("CREATE COLLECTION ends FROM t AS SELECT id % 2 AS odd, min(n) AS least, max(n) AS most,"
                    " count(*) AS rows FROM _input GROUP BY 1")
    freshet.wait_live()
    source.execute("UPDATE t SET n = 3.14 WHERE id = 1; INSERT INTO t VALUES (7, 1.399), (8, 9)")
    freshet.wait_lsn(source)
    assert freshet.execute("SELECT * FROM above ORDER BY id") == _ask(
        source, "SELECT id, trim_scale(n + 1) FROM t WHERE n > 1.4 ORDER BY id")
    assert freshet.execute("SELECT odd, least, most, rows FROM ends ORDER BY odd") == _ask(
        source, "SELECT id % 2, trim_scale(min(n)), trim_scale(max(n)), count(*) FROM t GROUP BY 1 ORDER BY 1")
    compare.assert_equal_tables(source, freshet, ["t"])
