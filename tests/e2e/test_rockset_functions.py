"""Rockset's functions and forms, as docs/sql.md lists them: each expression and what it gives."""

import datetime
import re
from decimal import Decimal

import psycopg
import pytest

from harness import compare, processes
from harness.waiting import until

UTC = datetime.timezone.utc


def at(*parts) -> datetime.datetime:
    return datetime.datetime(*parts, tzinfo=UTC)


@pytest.fixture(scope="module")
def freshet(module_servers):
    source = module_servers.postgres()
    source.execute("CREATE TABLE t (id int PRIMARY KEY, labels text[]);"
                   "INSERT INTO t VALUES (1, '{a,b}'), (2, NULL);"
                   "CREATE TABLE docs (id int PRIMARY KEY, doc json, b jsonb, tags text[]);"
                   """INSERT INTO docs VALUES (1, '{"user": {"name": "Ann", "tags": ["x", "y,]"], "n": 5}}',
                   '{"user": {"name": "Ann", "tags": ["x", "y"], "n": 5}, "items": [{"price": 2}, {"price": 3}]}', '{a,b}'),
                   (2, NULL, '[1, [2, 3]]', NULL), (3, '{}', '{"user": 7}', '{}')""")
    return module_servers.freshet(source).start().wait_live("public.t")


VALUES = [
    # Types and conditions.
    ("TYPEOF(1)", "int"), ("TYPEOF(1.5::float8)", "float"), ("TYPEOF('a'::text)", "string"),
    ("TYPEOF(true)", "bool"), ("TYPEOF([1])", "array"), ("TYPEOF(NULL)", "null"),
    ("TYPEOF(FROM_HEX('00'))", "bytes"), ("TYPEOF(CURRENT_TIMESTAMP())", "timestamp"),
    ("TYPEOF(DATE '2020-01-01')", "date"), ("TYPEOF({'a': 1})", "object"),
    ("IS_SCALAR(1)", True), ("IS_SCALAR([1])", False),
    ("CAST('1' AS bool)", True), ("CAST('f' AS bool)", False), ("CAST('true' AS bool)", True),
    ("TRY_CAST('x' AS int)", None), ("TRY(CAST('x' AS int))", None),
    ("STATIC_CAST(1 AS float)", 1.0), ("TRY_STATIC_CAST(1 AS float)", 1.0),
    ("IF(1 < 2, 'yes', 'no')", "yes"), ("COALESCE(NULL, 2)", 2), ("NULLIF(1, 1)", None),
    ("CASE WHEN 1 > 2 THEN 1 ELSE 2 END", 2), ("NULL IS UNDEFINED", True), ("1 IS NOT UNDEFINED", True),
    # Text.
    ("CONCAT('a', 'b')", "ab"), ("LENGTH('abc')", 3), ("LOWER('A')", "a"), ("UPPER('a')", "A"),
    ("LTRIM('  a')", "a"), ("RTRIM('a  ')", "a"), ("TRIM(' a ')", "a"), ("NORMALIZE('e\u0301')", "\u00e9"),
    ("REPLACE('aba', 'a', 'c')", "cbc"), ("SPLIT('a,b,c', ',')", ["a", "b", "c"]),
    ("SPLIT('a,b,c', ',', 2)", ["a", "b,c"]), ("STRPOS('abc', 'c')", 3), ("STRPOS('abc', 'x')", 0),
    ("SUBSTR('abc', 2)", "bc"), ("SUBSTR('abc', 2, 1)", "b"), ("SUBSTRING('abc' FROM 2 FOR 1)", "b"),
    ("POSITION('b' IN 'abc')", 2), ("FORMAT('{}-{}', 1, 'x')", "1-x"),
    ("REGEXP_LIKE('abc', 'b')", True), ("REGEXP_EXTRACT('a1b2', '([a-z])2', 1)", "b"),
    ("REGEXP_EXTRACT_ALL('a1b2', '[a-z]')", ["a", "b"]), ("REGEXP_REPLACE('a1', '[0-9]', 'x')", "ax"),
    ("REGEXP_SPLIT('a1b', '[0-9]')", ["a", "b"]), ("FROM_HEX('6869')", b"hi"), ("TO_HEX(FROM_HEX('6869'))", "6869"),
    ("FROM_UTF8(FROM_HEX('6869'))", "hi"), ("TO_UTF8('hi')", b"hi"), ("LPAD('a', 3, 'x')", "xxa"),
    ("RPAD('a', 3, 'x')", "axx"), ("REVERSE('ab')", "ba"), ("STARTS_WITH('ab', 'a')", True),
    ("ENDS_WITH('ab', 'b')", True), ("CHR(65)", "A"), ("LEVENSHTEIN('ab', 'ac')", 1),
    ("TO_BASE64(TO_UTF8('a'))", "YQ=="), ("FROM_BASE64('YQ==')", b"a"), ("LENGTH(UUID()::text)", 36),
    ("TOKENIZE('Hello, World')", ["hello", "world"]), ("HAS_TERM('Hello, World', 'world')", True),
    # Dates and times.
    ("CURRENT_DATE() = CURRENT_DATE", True), ("CURRENT_TIMESTAMP() <= now()", True),
    ("CURRENT_DATETIME() IS NOT NULL", True), ("CURRENT_TIME() IS NOT NULL", True),
    ("DATE(2020, 1, 2)", datetime.date(2020, 1, 2)),
    ("DATE(TIMESTAMP '2020-01-02 03:04:05')", datetime.date(2020, 1, 2)),
    ("DATE(PARSE_TIMESTAMP_ISO8601('2020-01-02T01:00:00Z'), 'America/New_York')", datetime.date(2020, 1, 1)),
    ("TIME(3, 4, 5)", datetime.time(3, 4, 5)), ("TIME(TIMESTAMP '2020-01-02 03:04:05')", datetime.time(3, 4, 5)),
    ("DATETIME(2020, 1, 2, 3, 4, 5)", datetime.datetime(2020, 1, 2, 3, 4, 5)),
    ("TIMESTAMP(TIMESTAMP '2020-01-02 03:04:05', 'Europe/Berlin')", at(2020, 1, 2, 2, 4, 5)),
    ("TIMESTAMP_SECONDS(1)", at(1970, 1, 1, 0, 0, 1)), ("TIMESTAMP_MILLIS(1500)", at(1970, 1, 1, 0, 0, 1, 500000)),
    ("TIMESTAMP_MICROS(1)", at(1970, 1, 1, 0, 0, 0, 1)), ("LAST_DAY(DATE '2020-02-01')", datetime.date(2020, 2, 29)),
    ("PARSE_DATE('%Y/%m/%d', '2020/01/02')", datetime.date(2020, 1, 2)),
    ("PARSE_DATE('%Y-%m-%dT%H:%M:%E*S', '2020-01-02T03:04:05.25')", datetime.date(2020, 1, 2)),
    ("PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%E*S', '2020-01-02T03:04:05.5', 'UTC') ="
     " TIMESTAMPTZ '2020-01-02 03:04:05.5+00'", True),
    ("PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%E6S', '2020-01-02T03:04:05', 'UTC') ="
     " TIMESTAMPTZ '2020-01-02 03:04:05+00'", True),
    ("PARSE_TIME('%H:%M:%S', '03:04:05')", datetime.time(3, 4, 5)),
    ("PARSE_DATETIME('%Y-%m-%d %H:%M', '2020-01-02 03:04')", datetime.datetime(2020, 1, 2, 3, 4)),
    ("PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%SZ', '2020-01-02T03:04:05Z')", at(2020, 1, 2, 3, 4, 5)),
    ("PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%E*SZ', '2020-01-02T03:04:05.678Z')", at(2020, 1, 2, 3, 4, 5, 678000)),
    ("PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%E*SZ', '2020-01-02T03:04:05Z')", at(2020, 1, 2, 3, 4, 5)),
    ("PARSE_TIMESTAMP('%Y-%m-%d %H:%M:%S%z', '2020-01-02 03:04:05+02')", at(2020, 1, 2, 1, 4, 5)),
    ("PARSE_TIMESTAMP('%Y-%m-%d %H:%M:%S', '2020-01-02 03:04:05', 'Europe/Berlin')", at(2020, 1, 2, 2, 4, 5)),
    ("PARSE_DATE_ISO8601('2020-01-02')", datetime.date(2020, 1, 2)),
    ("PARSE_TIME_ISO8601('03:04:05')", datetime.time(3, 4, 5)),
    ("PARSE_DATETIME_ISO8601('2020-01-02T03:04:05Z')", datetime.datetime(2020, 1, 2, 3, 4, 5)),
    ("PARSE_TIMESTAMP_ISO8601('2020-01-02T03:04:05+02:00')", at(2020, 1, 2, 1, 4, 5)),
    ("PARSE_TIMESTAMP_ISO8601('2020-01-02T03:04:05')", at(2020, 1, 2, 3, 4, 5)),
    ("PARSE_TIMESTAMP_ISO8601('2020-01-02')", at(2020, 1, 2)),
    ("FORMAT_DATE('%d.%m.%Y', DATE '2020-01-02')", "02.01.2020"), ("FORMAT_TIME('%H.%M', TIME '03:04')", "03.04"),
    ("FORMAT_DATETIME('%Y %H', TIMESTAMP '2020-01-02 03:04:05')", "2020 03"),
    ("FORMAT_TIMESTAMP('%H:%M', TIMESTAMP_SECONDS(0))", "00:00"),
    ("FORMAT_TIMESTAMP('%H:%M', TIMESTAMP_SECONDS(0), 'Europe/Berlin')", "01:00"),
    ("FORMAT_ISO8601(TIMESTAMP_SECONDS(0))", "1970-01-01T00:00:00.000000Z"),
    ("FORMAT_ISO8601(DATE '2020-01-02')", "2020-01-02"), ("EXTRACT(YEAR FROM DATE '2020-01-02')", 2020),
    ("DATE_TRUNC('hour', TIMESTAMP '2020-01-02 03:04:05')", datetime.datetime(2020, 1, 2, 3)),
    ("DATE_DIFF('second', TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP '2020-01-01 00:01:00')", 60),
    ("TIME_BUCKET(MINUTES(5), TIMESTAMP '2020-01-01 10:03:00')", datetime.datetime(2020, 1, 1, 10)),
    ("UNIX_SECONDS(TIMESTAMP_SECONDS(7))", 7), ("UNIX_MILLIS(TIMESTAMP_SECONDS(7))", 7000),
    ("UNIX_MICROS(TIMESTAMP_SECONDS(7))", 7000000), ("DATE_PART('year', DATE '2020-01-02')", 2020),
    ("DATE_ADD(DATE '2020-01-01', DAYS(1))", datetime.datetime(2020, 1, 2)),
    ("MICROSECONDS(1)", datetime.timedelta(microseconds=1)), ("MILLISECONDS(1)", datetime.timedelta(milliseconds=1)),
    ("SECONDS(1)", datetime.timedelta(seconds=1)), ("MINUTES(1)", datetime.timedelta(minutes=1)),
    ("HOURS(1)", datetime.timedelta(hours=1)), ("DAYS(1)", datetime.timedelta(days=1)),
    ("WEEKS(1)", datetime.timedelta(weeks=1)), ("DATE '2020-01-01' + MONTHS(1)", datetime.datetime(2020, 2, 1)),
    ("DATE '2020-01-01' + YEARS(1)", datetime.datetime(2021, 1, 1)),
    ("PARSE_DURATION_SECONDS('P1DT2H3M4.5S')", datetime.timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
    ("DURATION_MONTHS(PARSE_DURATION_MONTHS('P1Y2M'))", 14), ("DURATION_MICROS(SECONDS(2))", 2000000),
    ("DURATION_MILLIS(SECONDS(2))", 2000), ("DURATION_SECONDS(MINUTES(1))", 60.0),
    # Numbers.
    ("ABS(-1)", 1), ("CEIL(1.2)", 2), ("FLOOR(1.8)", 1), ("ROUND(1.6)", 2), ("TRUNC(1.8)", 1), ("SIGN(-2)", -1),
    ("EXP(0)", 1.0), ("POW(2, 3)", 8.0), ("SQRT(9)", 3.0), ("LN(1)", 0.0), ("LOG2(8)", 3.0), ("LOG10(100)", 2.0),
    ("SIN(0)", 0.0), ("COS(0)", 1.0), ("TAN(0)", 0.0), ("ASIN(0)", 0.0), ("ACOS(1)", 0.0), ("ATAN(0)", 0.0),
    ("ATAN2(0, 1)", 0.0), ("SINH(0)", 0.0), ("COSH(0)", 1.0), ("TANH(0)", 0.0),
    ("HYPOT(3, 4)", 5.0), ("GREATEST(1, 2)", 2), ("LEAST(1, 2)", 1), ("IS_NAN('NaN'::float8)", True),
    ("BIT_COUNT(7)", 3), ("BITWISE_NOT(0)", -1), ("BITWISE_XOR(1, 3)", 2), ("BITWISE_AND(1, 3)", 1),
    ("BITWISE_OR(1, 2)", 3), ("MOD(7, 4)", 3), ("RANDOM() < 1", True), ("PI() > 3", True),
    # Arrays, objects, JSON, vectors, hashes.
    ("ARRAY_CREATE(1, 2)", [1, 2]), ("ARRAY_CREATE()", []), ("ARRAY_CONTAINS([1, 2], 2)", True),
    ("ARRAY_DISTINCT([1, 1])", [1]), ("ARRAY_FLATTEN([[1], [2]])", [1, 2]), ("ARRAY_JOIN(['a', 'b'], '-')", "a-b"),
    ("ARRAY_JOIN(['a', NULL], '-', '?')", "a-?"), ("ARRAY_POSITION([5, 6], 6)", 2),
    ("ARRAY_LAST_POSITION([5, 6, 5], 5)", 3), ("ARRAY_REMOVE([1, 2, 1], 1)", [2]), ("ELEMENT_AT([5, 6], 2)", 6),
    ("[5, 6][1]", 5), ("SLICE([1, 2, 3, 4], 2, 2)", [2, 3]), ("SEQUENCE(1, 3)", [1, 2, 3]), ("LENGTH([1, 2])", 2),
    ("ARRAY_CONCAT([1], [2])", [1, 2]), ("ARRAY_EXCEPT([1, 2], [2])", [1]), ("ARRAY_INTERSECT([1, 2], [2])", [2]),
    ("ARRAY_SORT(ARRAY_UNION([1], [1, 2]))", [1, 2]), ("ARRAY_MAX([1, 2])", 2), ("ARRAY_MIN([1, 2])", 1),
    ("ARRAY_SORT([2, 1])", [1, 2]),
    ("ELEMENT_AT(OBJECT(['a'], [1]), 'a')", 1), ("KEYS(OBJECT(['a'], [1]))", ["a"]),
    ("ELEMENT_AT(MERGE(OBJECT(['a'], [1]), OBJECT(['b'], [2])), 'b')", 2),
    ("KEYS(ERASE(OBJECT(['a', 'b'], [1, 2]), 'a'))", ["b"]), ("LENGTH(ITEMS(OBJECT(['a'], [1])))", 1),
    ("ELEMENT_AT(ZIP([('a', 1)]), 'a')", 1),
    ("JSON_PARSE('{\"a\": [5]}')->'a'->>0", "5"), ("JSON_FORMAT([1])", "[1]"),
    ("VECTOR_ENFORCE([1.0, 2.0], 3, 'float')", None), ("COSINE_SIM([1.0, 0.0], [1.0, 0.0])", 1.0),
    ("DOT_PRODUCT([1.0, 2.0], [3.0, 4.0])", 11.0), ("EUCLIDEAN_DIST([0.0, 0.0], [3.0, 4.0])", 5.0),
    ("VECTOR_ADD([1, 2], [3, 4])", [4, 6]), ("APPROX_DOT_PRODUCT([1.0], [2.0])", 2.0),
    ("APPROX_EUCLIDEAN_DIST([0.0], [2.0])", 2.0),
    ("MD5('a')", "0cc175b9c0f1b6a831c399e269772661"), ("LENGTH(SHA1('a'))", 40), ("LENGTH(SHA256('a'))", 64),
    ("ID_HASH(1, 'a') = ID_HASH(1, 'a')", True), ("ID_HASH(1, 'a') = ID_HASH(1, 'b')", False),
    ("ID_HASH(NULL, 'a') = ID_HASH('a', NULL)", False), ("ID_HASH(NULL) = ID_HASH('')", False),
    ("ID_HASH('a', 'b') = ID_HASH('a' || chr(31) || 'b')", False), ("ID_HASH(NULL) = ID_HASH('n')", False),
    ("ID_HASH('ab', 'c') = ID_HASH('a', 'bc')", False), ("LENGTH(ID_HASH(NULL, 1, DATE '2020-01-01'))", 32),
    # Arrays of PostgreSQL as text.
    ("PG_ARRAY_PARSE('{1,NULL,3}', 'int[]')", [1, None, 3]), ("PG_ARRAY_PARSE('{}', 'int[]')", []),
    ("PG_ARRAY_PARSE(NULL, 'int[]')", None), ("PG_ARRAY_PARSE('{{1,2},{3,NULL}}', 'int[][]')::text", "[[1, 2], [3, NULL]]"),
    ("PG_ARRAY_PARSE('{\"a b\",\"c\\\"d\",NULL,\"NULL\",\"\",x''y}', 'string[]')", ["a b", 'c"d', None, "NULL", "", "x'y"]),
    ("PG_ARRAY_PARSE('{t,f}', 'bool[]')", [True, False]), ("PG_ARRAY_PARSE('{1.5,-2}', 'float[]')", [1.5, -2.0]),
    ("PG_ARRAY_PARSE('{1.5}', 'numeric[]')", [Decimal("1.5")]),
    ("PG_ARRAY_PARSE('{2020-01-02}', 'date[]')", [datetime.date(2020, 1, 2)]),
    ("PG_ARRAY_PARSE('{\"2020-01-02 03:04:05\"}', 'timestamp[]')", [datetime.datetime(2020, 1, 2, 3, 4, 5)]),
    ("PG_ARRAY_PARSE('[0:1]={5,6}', 'int[]')", [5, 6]),
]


@pytest.mark.parametrize("expression, expected", VALUES, ids=[value[0] for value in VALUES])
def test_an_expression_gives(freshet, expression, expected):
    got = freshet.value(f"SELECT {expression}")
    if isinstance(expected, float):
        assert got == pytest.approx(expected)
    elif isinstance(expected, datetime.datetime) and isinstance(got, datetime.date):
        assert str(got)[:19] == str(expected)[:19]
    else:
        assert got == expected


AGGREGATES = [
    ("COUNT(*)", 3), ("COUNT_IF(v > 1)", 2), ("SUM(v)", 6), ("AVG(v)", 2), ("MIN(v)", 1), ("MAX(v)", 3),
    ("MIN_BY(k, v)", "a"), ("MAX_BY(k, v)", "c"), ("ROUND(GEOMETRIC_MEAN(v), 3)", 1.817), ("STDDEV_SAMP(v)", 1),
    ("BOOL_AND(v > 0)", True), ("BOOL_OR(v > 2)", True), ("EVERY(v > 0)", True), ("BITWISE_AND_AGG(v)", 0),
    ("BITWISE_OR_AGG(v)", 3), ("ARBITRARY(v) IS NOT NULL", True), ("ARRAY_AGG(v ORDER BY v DESC)", [3, 2, 1]),
    ("APPROX_DISTINCT(v)", 3), ("APPROX_PERCENTILE(v, 0.5)", 2), ("VAR_SAMP(v)", 1), ("VAR_POP(v)", 2 / 3),
    ("STDDEV_POP(v)", (2 / 3) ** 0.5), ("CORR(v, v)", 1), ("COVAR_POP(v, v)", 2 / 3), ("COVAR_SAMP(v, v)", 1),
    ("ELEMENT_AT(MAP_AGG(k, v), 'b')", 2), ("ELEMENT_AT(HMAP_AGG(k, v), 'b')", 2),
    ("ELEMENT_AT(OBJECT_AGG(k, v), 'c')", 3), ("SUM(v) FILTER (WHERE v > 1)", 5), ("COUNT(DISTINCT k)", 3),
]


@pytest.mark.parametrize("expression, expected", AGGREGATES, ids=[value[0] for value in AGGREGATES])
def test_an_aggregate_gives(freshet, expression, expected):
    got = freshet.value(f"SELECT {expression} FROM (VALUES ('a', 1), ('b', 2), ('c', 3)) r (k, v)")
    assert got == (pytest.approx(expected) if isinstance(expected, (int, float)) else expected)


@pytest.mark.parametrize("function", ["ROW_NUMBER()", "RANK()", "DENSE_RANK()", "PERCENT_RANK()", "CUME_DIST()",
                                      "NTILE(2)", "LAG(v)", "LEAD(v)", "FIRST_VALUE(v)", "LAST_VALUE(v)",
                                      "NTH_VALUE(v, 1)"])
def test_a_window_function_is_there(freshet, function):
    assert len(freshet.execute(
        f"SELECT {function} OVER (ORDER BY v) FROM (VALUES (1), (2)) r (v)")) == 2


@pytest.mark.parametrize("statement, expected", [
    ("SELECT * EXCEPT (labels) FROM t ORDER BY 1", [(1,), (2,)]),
    ("SELECT t.* EXCEPT (labels) FROM t HINT(access_path = column_scan) ORDER BY 1", [(1,), (2,)]),
    ("SELECT id FROM t EXCEPT (SELECT 1)", [(2,)]),
    ("SELECT id, l.label FROM t, UNNEST(labels) AS l(label) ORDER BY 2", [(1, "a"), (1, "b")]),
    ("SELECT id AS n, count(*) FROM t GROUP BY n ORDER BY n", [(1, 1), (2, 1)]),
    ("SELECT GROUPING(id) FROM t GROUP BY ROLLUP (id) ORDER BY 1 DESC LIMIT 1", [(1,)]),
    ("SELECT o.a.b[1] FROM (SELECT {'a': {'b': [5, 6]}} AS o)", [(5,)]),
    ("SELECT '* EXCEPT (a)', 'DATE(1, 2, 3)'", [("* EXCEPT (a)", "DATE(1, 2, 3)")]),
    ("SELECT '10:20:30'::time, CAST('2020-01-02 03:04:05' AS timestamp(3))",
     [(datetime.time(10, 20, 30), datetime.datetime(2020, 1, 2, 3, 4, 5))]),
])
def test_a_form_is_understood(freshet, statement, expected):
    assert freshet.execute(statement) == expected


@pytest.mark.parametrize("expression, expected", [
    ("doc.user.name", ["Ann", None, None]), ("b.user.name", ["Ann", None, None]), ("docs.b.user.n", [5, None, None]),
    ("b.items[2].price", [3, None, None]), ("b.items[3].price", [None] * 3), ("b.items[0]", [None] * 3),
    ("doc.user.tags[1]", ["x", None, None]), ("doc.user.tags[2]", ["y,]", None, None]),
    ("b[2]", [None, [2, 3], None]), ("b[2][1]", [None, 2, None]), ("b.user", [{"name": "Ann", "tags": ["x", "y"], "n": 5}, None, 7]),
    ("b.missing.too", [None] * 3), ("tags[2]", ["b", None, None]), ("docs.tags[1] || '!'", ["a!", None, None]),
    ("b.user.n > 4", [True, None, None]), ("b->'items'->0->>'price'", ["2", None, None]),
])
def test_paths_go_into_json(freshet, expression, expected):
    assert freshet.execute(f"SELECT {expression} FROM docs ORDER BY id") == [(value,) for value in expected]


@pytest.mark.parametrize("statement, expected", [
    ("SELECT id, x.label FROM docs, UNNEST(docs.tags AS label) AS x ORDER BY 2", [(1, "a"), (1, "b")]),
    ("SELECT x.item.price FROM docs, UNNEST(b.items AS item) x ORDER BY 1", [(2,), (3,)]),
    ("SELECT x.item.price, x.place FROM docs CROSS JOIN UNNEST(b.items AS item WITH ORDINALITY AS place) AS x ORDER BY 2",
     [(2, 1), (3, 2)]),
    ("SELECT tag FROM docs, UNNEST(doc.user.tags AS tag) WHERE tag <> to_json('x')", [("y,]",)]),
    ("SELECT count(*) FROM docs, UNNEST(b.nothing AS nothing) AS x", [(0,)]),
    ("SELECT l FROM UNNEST([1, 2] AS l) AS x ORDER BY l DESC", [(2,), (1,)]),
])
def test_what_is_unnested_has_a_name(freshet, statement, expected):
    assert freshet.execute(statement) == expected


def test_paths_in_a_collection(freshet):
    freshet.execute("CREATE COLLECTION priced FROM docs AS SELECT id, b.items[1].price AS price, doc.user.tags[1] AS tag,"
                    " b.user.name AS name FROM _input WHERE b.items[2].price > 2")
    until("it is filled", lambda: freshet.value("SELECT state FROM freshet.tables WHERE name = 'priced'") == "live")
    assert freshet.execute("SELECT * FROM priced") == [(1, 2, "x", "Ann")]
    freshet.execute("DROP COLLECTION priced")


@pytest.mark.parametrize("expression, state", [
    ("FROM_HEX('123')", "22P02"),
    ("PARSE_DATE('%Y-%m-%d', 'yesterday')", "22007"),
    ("PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%SZ', 'x')", "22007"),
    ("PG_ARRAY_PARSE('{1,2', 'int[]')", "22P02"),
    ("PG_ARRAY_PARSE('{x}', 'int[]')", "22P02"),
    ("NO_SUCH_FUNCTION(1)", "42883"),
])
def test_what_does_not_fit_is_an_error(freshet, expression, state):
    with freshet.connect() as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(f"SELECT {expression}")
    assert refused.value.sqlstate == state, refused.value
    if state.startswith("22"):
        assert freshet.value(f"SELECT TRY({expression})") is None


# The ten types of Rockset's page on PostgreSQL sources: what DMS sends, the expression written for it there (none for
# numbers, which are numbers in json), and the value as PostgreSQL has it.
TYPES = [
    ("numeric(10,2)", '10.5', "x.v", "{}", 10.5),
    ("numeric", '123456.75', "x.v", "{}", 123456.75),
    ("bytea", '"\\\\x6869"', "x->>'v'", "FROM_HEX(SUBSTR({}, 3))", b"hi"),
    ("timestamp", '"2020-01-02T03:04:05Z"', "x->>'v'", "PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%SZ', {})",
     at(2020, 1, 2, 3, 4, 5)),
    ("timestamptz", '"2020-01-02T03:04:05Z"', "x->>'v'", "PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%SZ', {})",
     at(2020, 1, 2, 3, 4, 5)),
    ("date", '"2020-01-02"', "x->>'v'", "PARSE_DATE('%Y-%m-%d', {})", datetime.date(2020, 1, 2)),
    ("time", '"03:04:05"', "x->>'v'", "PARSE_TIME('%H:%M:%S', {})", datetime.time(3, 4, 5)),
    ("timetz", '"03:04:05"', "x->>'v'", "PARSE_TIME('%H:%M:%S', {})", datetime.time(3, 4, 5)),
    ("boolean", '"true"', "x->>'v'", "CAST({} AS bool)", True),
    ("int[]", '"{1,2,NULL}"', "x->>'v'", "PG_ARRAY_PARSE({}, 'int[]')", [1, 2, None]),
    ("text[]", '"{a,\\"b c\\"}"', "x->>'v'", "PG_ARRAY_PARSE({}, 'string[]')", ["a", "b c"]),
]


@pytest.mark.parametrize("pg_type, sent, value, expression, expected", TYPES, ids=[row[0] for row in TYPES])
def test_what_dms_sent_becomes_what_it_was(freshet, pg_type, sent, value, expression, expected):
    document = '{"v": ' + sent + '}'
    got = freshet.value(f"SELECT {expression.format(value)} FROM (SELECT CAST('{document}' AS json) AS x) d")
    assert got == expected


def test_the_ten_types_as_a_transformation_and_mirrored_directly(module_servers):
    """What DMS would have sent of a row, through a collection; and the row itself, with no expression."""
    source = module_servers.postgres()
    columns = [f"c{i} {row[0]}" for i, row in enumerate(TYPES)]
    source.execute(f"CREATE TABLE typed (id int PRIMARY KEY, {', '.join(columns)});"
                   "CREATE TABLE sent (id int PRIMARY KEY, document text)")
    document = "{" + ", ".join(f'"c{i}": {row[1]}' for i, row in enumerate(TYPES)) + "}"
    source.execute(f"INSERT INTO sent VALUES (1, '{document}')")
    source.execute("INSERT INTO typed VALUES (1, 10.5, 123456.75, '\\x6869', '2020-01-02 03:04:05', '2020-01-02 03:04:05Z',"
                   " '2020-01-02', '03:04:05', '03:04:05+00', true, '{1,2,NULL}', '{a,\"b c\"}')")
    freshet = module_servers.freshet(source).start().wait_live()
    made = [row[3].format(f"(JSON_PARSE(document){'->' if row[2] == 'x.v' else '->>'}'c{i}')") + f" AS c{i}"
            for i, row in enumerate(TYPES)]
    freshet.execute(f"CREATE COLLECTION received FROM sent AS SELECT id, {', '.join(made)} FROM _input")
    until("it is filled", lambda: freshet.value("SELECT state FROM freshet.tables WHERE name = 'received'") == "live")
    source.execute("INSERT INTO sent SELECT 2, document FROM sent; INSERT INTO typed SELECT 2, c0, c1, c2, c3,"
                   " c4, c5, c6, c7, c8, c9, c10 FROM typed")
    freshet.wait_lsn(source)
    assert freshet.value("SELECT count(*) FROM freshet.rejects") == 0
    expected = tuple(row[4] for row in TYPES)
    assert freshet.execute("SELECT * EXCEPT (id) FROM received ORDER BY id") == [expected, expected]
    compare.assert_equal_tables(source, freshet, ["public.typed"])


def test_every_function_of_the_table_is_known(freshet):
    """docs/sql.md lists Rockset's functions; those it calls working are tested above."""
    text = (processes.REPOSITORY / "docs" / "sql.md").read_text()
    table = text[text.index("## Rockset's functions"):]
    listed = re.findall(r"^\| `([A-Z0-9_]+)[^|]*\| (yes|differs|no) \|", table, re.M)
    assert len(listed) > 200
    tested = " ".join(expression.upper() for expression, _ in VALUES + AGGREGATES) + (
        " ROW_NUMBER( RANK( DENSE_RANK( PERCENT_RANK( CUME_DIST( NTILE( LAG( LEAD( FIRST_VALUE( LAST_VALUE(" +
        " NTH_VALUE( GROUPING( UNNEST(") + " CASE EXTRACT("
    untested = [name for name, status in listed
                if status != "no" and not re.search(rf"\b{name}\b", tested)]
    assert not untested
    working = sum(status != "no" for _, status in listed)
    assert working / len(listed) >= 0.9, f"{working} of {len(listed)}"
