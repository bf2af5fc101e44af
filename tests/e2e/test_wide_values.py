"""Values that the engine's type of their column cannot hold: the column is held wider from then on, exactly, and
nothing but a new copy of that one table comes of it."""

import re

import pytest

from harness.compare import until_equal
from harness.waiting import until

# A declaration, a value that fits it, one that does not, and how a query sees both.
WIDE = {
    "nan": ("numeric(10,2)", "1.25", "'NaN'", "w > 100", "numeric"),
    "nan_in_array": ("numeric(10,2)[]", "'{1.25}'", "'{2.25,NaN,NULL}'", "w[1] > 2", "numeric[]"),
    "far_timestamp": ("timestamp", "'2024-01-01'", "'294276-12-31 23:59:59.999999'", "w LIKE '294276%'", "text"),
    "far_timestamptz": ("timestamptz", "'infinity'", "'294276-12-31 23:00+00'", "w LIKE '294276%'", "text"),
    "nested_array": ("int[]", "'{1,2}'", "'{{1,2},{3,4}}'", "w = '{{1,2},{3,4}}'", "text"),
    "from_another_index": ("text[]", "'{a,\"b c\"}'", "'[0:1]={a,\"b c\"}'", "w LIKE '[0:1]%'", "text"),
    "nested_addresses": ("inet[]", "'{10.0.0.1}'", "'{{10.0.0.1},{::1}}'", "w LIKE '{{%'", "text"),
}


def times_copied(freshet, table: str) -> int:
    return len(re.findall(rf"table copied .*table=public\.{table} ", freshet.log()))


def follow(servers, source):
    """Where values were sent in binary, they have to be sent as text now: the source is connected to anew."""
    freshet = servers.freshet(source)
    freshet.expects_log("reconnecting in text mode")
    return freshet.start().wait_live()


def create(source, declared: str, value: str) -> None:
    source.execute(f"CREATE TABLE t (id int PRIMARY KEY, w {declared}); INSERT INTO t VALUES (1, {value}), (2, NULL);"
                   "CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1)")


@pytest.mark.parametrize("case", WIDE)
def test_a_value_that_is_there_before_the_copy(servers, case):
    declared, fits, wide, condition, _ = WIDE[case]
    source = servers.postgres()
    create(source, declared, fits)
    source.execute(f"INSERT INTO t VALUES (3, {wide})")
    freshet = follow(servers, source)
    until_equal(source, freshet, "t")
    assert freshet.execute(f"SELECT id FROM t WHERE {condition}") == [(3,)]
    source.execute(f"INSERT INTO t VALUES (4, {wide}), (5, {fits}); UPDATE t SET w = {wide} WHERE id = 2")
    until_equal(source, freshet, "t")
    assert freshet.states() == {"public.t": "live", "public.other": "live"}


@pytest.mark.parametrize("case", WIDE)
def test_a_value_that_comes_later(servers, case):
    declared, fits, wide, condition, seen = WIDE[case]
    source = servers.postgres()
    create(source, declared, fits)
    freshet = follow(servers, source)
    source.execute(f"INSERT INTO t VALUES (3, {wide}); INSERT INTO other VALUES (2)")
    until_equal(source, freshet, "t")
    until_equal(source, freshet, "other")
    assert times_copied(freshet, "t") == 2
    assert times_copied(freshet, "other") == 1
    assert freshet.execute(f"SELECT id FROM t WHERE {condition}") == [(3,)]
    # It stays so, also where nothing of the kind comes any more, and through restarts and alterations.
    source.execute("DELETE FROM t WHERE id = 3; ALTER TABLE t ADD x int DEFAULT 7")
    source.execute(f"UPDATE t SET w = {wide} WHERE id = 1")
    until_equal(source, freshet, "t")
    freshet.kill()
    freshet.start()
    source.execute(f"INSERT INTO t VALUES (4, {wide})")
    until_equal(source, freshet, "t")
    assert times_copied(freshet, "t") == 0 + 2 * (freshet.started > 0)
    assert freshet.value("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attname = 'w' AND "
                         "attrelid = 't'::regclass").startswith(seen.removesuffix("[]"))


def test_another_type_on_the_source_is_held_as_itself_again(servers):
    source = servers.postgres()
    create(source, "int[]", "'{1,2}'")
    source.execute("INSERT INTO t VALUES (3, '{{1,2},{3,4}}')")
    freshet = follow(servers, source)
    assert freshet.value("SELECT w FROM t WHERE id = 3") == "{{1,2},{3,4}}"
    source.execute("ALTER TABLE t ALTER w TYPE bigint[] USING ARRAY[w[1]::bigint]")
    until_equal(source, freshet, "t")
    assert freshet.execute("SELECT w[1] FROM t ORDER BY id") == [(1,), (None,), (None,)]


def test_arrays_that_are_declared_with_dimensions_are_texts_from_the_start(servers):
    source = servers.postgres()
    create(source, "int[][]", "'{{1,2},{3,4}}'")
    freshet = follow(servers, source)
    until_equal(source, freshet, "t")
    assert times_copied(freshet, "t") == 1
    assert freshet.execute("SELECT CAST(pg_array_text(w) AS INTEGER[][]) FROM t WHERE id = 1") == [([[1, 2], [3, 4]],)] \
        or freshet.value("SELECT CAST(pg_array_text(w) AS INTEGER[][])[2][1] FROM t WHERE id = 1") == 3


def test_two_columns_that_need_it_one_after_the_other(servers):
    source = servers.postgres()
    source.execute("CREATE TABLE t (id int PRIMARY KEY, a numeric(6,1), b int[], c timestamp);"
                   "INSERT INTO t VALUES (1, 'NaN', '{{1}}', '294276-01-01')")
    freshet = follow(servers, source)
    until_equal(source, freshet, "t")
    until("it is live", lambda: freshet.states()["public.t"] == "live")
