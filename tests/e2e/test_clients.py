"""The clients people have: psql, psycopg, node-postgres, pgbench, libpq."""

import datetime
import decimal
import re
import subprocess
import uuid
from pathlib import Path

import psycopg
import pytest

CLIENTS = Path(__file__).parent / "clients"

TYPES = """
CREATE TABLE types (
  id int PRIMARY KEY, b bool, i2 smallint, i8 bigint, f4 real, f8 float8, n numeric(12,2), t text,
  v varchar(20), u uuid, j json, jb jsonb, d date, tm time, ts timestamp, tz timestamptz, iv interval,
  raw bytea, ints int[], texts text[]);
INSERT INTO types VALUES (1, true, -2, 9007199254740993, 1.5, 0.1, 1234567890.12, 'ä🦆', 'v',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1}', '{"b": [1, 2]}', '2026-11-22', '12:34:56.789',
  '2026-11-22 12:34:56.789', '2026-11-22 12:34:56.789+00', '1 day 02:03:04', '\\x00ff', '{1,NULL,3}',
  '{a,NULL,"b c"}');
INSERT INTO types (id) VALUES (2);
CREATE TABLE many (id bigint PRIMARY KEY, v text);
INSERT INTO many SELECT i, 'value ' || i FROM generate_series(1, 50000) i;
"""


@pytest.fixture(scope="module")
def source(module_servers):
    server = module_servers.postgres()
    server.execute(TYPES)
    return server


@pytest.fixture(scope="module")
def freshet(module_servers, source):
    return module_servers.freshet(source).start().wait_live("public.types", "public.many")


# psql


def psql(freshet, *commands: str, options: tuple[str, ...] = ()) -> str:
    arguments = [part for command in commands for part in ("-c", command)]
    done = subprocess.run(["psql", "-X", *options, *arguments, freshet.sql_url], text=True,
                          capture_output=True, timeout=60, env={"PATH": "/usr/bin:/bin",
                                                                "PGUSER": "reader"})
    complaints = done.stderr.replace("Did not find any relations.\n", "")
    assert done.returncode == 0 and not complaints, complaints
    return done.stdout


def test_psql_lists_the_tables(freshet):
    for command in ("\\dt", "\\d"):
        listed = psql(freshet, command)
        assert re.search(r"public \| many\s+\| table", listed), listed
        assert re.search(r"public \| types\s+\| table", listed), listed
        assert "_segments" not in listed


def test_psql_describes_a_table_as_the_source_declares_it(freshet):
    described = psql(freshet, "\\d types")
    for column, kind in {"id": "integer", "i8": "bigint", "n": r"numeric\(12,2\)", "jb": "jsonb",
                         "tz": "timestamp with time zone", "f8": "double precision", "t": "text",
                         "raw": "bytea", "ints": r"integer\[\]", "u": "uuid", "iv": "interval",
                         "v": r"character varying\(20\)", "b": "boolean"}.items():
        assert re.search(rf"^ {column}\s+\| {kind}\s", described, re.M), (column, described)


@pytest.mark.parametrize("command", [
    "\\d public.types", "\\dt *.*", "\\dn", "\\dv", "\\df", "\\l", "\\du", "\\di", "\\d+ types",
    "\\dt public.*", "\\conninfo", "\\encoding", "\\dT", "\\ds", "\\dm",
])
def test_psql_commands_do_not_fail(freshet, command):
    psql(freshet, command)


def test_psql_expanded_and_timing(freshet):
    shown = psql(freshet, "\\x", "\\timing", "SELECT id, t FROM types WHERE id = 1")
    assert "-[ RECORD 1 ]" in shown and "t  | ä🦆" in shown and "Time: " in shown


def test_psql_reads_in_portions(freshet):
    shown = psql(freshet, "SELECT id FROM many ORDER BY id", options=("-At", "-v", "FETCH_COUNT=700"))
    assert shown.split() == [str(i) for i in range(1, 50001)]


def test_psql_variables_and_several_statements(freshet):
    assert psql(freshet, "SELECT 1; SELECT 2", options=("-At",)).split() == ["1", "2"]
    done = subprocess.run(["psql", "-XAt", "-v", "key=1", freshet.sql_url], text=True, timeout=60,
                          input="SELECT t FROM types WHERE id = :key;\n\\gset\n",
                          capture_output=True)
    assert done.stdout.strip() == "ä🦆", done.stderr


# psycopg

EXPECTED = {
    "b": True, "i2": -2, "i8": 9007199254740993, "f4": 1.5, "f8": 0.1,
    "n": decimal.Decimal("1234567890.12"), "t": "ä🦆", "v": "v",
    "u": uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), "j": {"a": 1}, "jb": {"b": [1, 2]},
    "d": datetime.date(2026, 11, 22), "tm": datetime.time(12, 34, 56, 789000),
    "ts": datetime.datetime(2026, 11, 22, 12, 34, 56, 789000),
    "tz": datetime.datetime(2026, 11, 22, 12, 34, 56, 789000, datetime.timezone.utc),
    "iv": datetime.timedelta(days=1, hours=2, minutes=3, seconds=4), "raw": b"\x00\xff",
    "ints": [1, None, 3], "texts": ["a", None, "b c"],
}


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_psycopg_reads_every_type(freshet, binary):
    with freshet.connect() as connection:
        cursor = connection.cursor(binary=binary, row_factory=psycopg.rows.dict_row)
        rows = cursor.execute("SELECT * FROM types ORDER BY id").fetchall()
    assert {name: rows[0][name] for name in EXPECTED} == EXPECTED
    assert all(rows[1][name] is None for name in EXPECTED)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("column", [name for name in EXPECTED if name not in ("j", "jb", "f4")])
def test_psycopg_sends_parameters_of_every_type(freshet, column, binary):
    placeholder = ("%b" if binary else "%s") + ("::int[]" if column == "ints" else "")
    with freshet.connect() as connection:
        cursor = connection.cursor(binary=binary)
        cursor.execute(f"SELECT id FROM types WHERE {column} = {placeholder}", (EXPECTED[column],))
        assert cursor.fetchall() == [(1,)]


def test_psycopg_prepares(freshet):
    with freshet.connect() as connection:
        for i in range(1, 200):
            row = connection.execute("SELECT v FROM many WHERE id = %s", (i,), prepare=True).fetchone()
            assert row == (f"value {i}",)


def test_psycopg_named_cursor(freshet):
    with freshet.connect(autocommit=False) as connection:
        with connection.cursor(name="portions") as cursor:
            cursor.itersize = 1000
            cursor.execute("SELECT id FROM many ORDER BY id")
            assert cursor.fetchmany(3) == [(1,), (2,), (3,)]
            assert sum(1 for _ in cursor) == 49997


def test_psycopg_streams(freshet):
    with freshet.connect() as connection, connection.cursor() as cursor:
        assert sum(row[0] for row in cursor.stream("SELECT id FROM many")) == 50000 * 50001 // 2


def test_psycopg_pipeline(freshet):
    with freshet.connect() as connection, connection.pipeline():
        cursors = [connection.execute("SELECT v FROM many WHERE id = %s", (i,)) for i in range(1, 300)]
        assert [c.fetchone()[0] for c in cursors] == [f"value {i}" for i in range(1, 300)]


def test_psycopg_pipeline_goes_on_after_an_error(freshet):
    with freshet.connect() as connection:
        with pytest.raises(psycopg.errors.UndefinedTable):
            with connection.pipeline():
                connection.execute("SELECT 1")
                connection.execute("SELECT * FROM no_such_table")
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_psycopg_sees_the_types_of_the_source(source, freshet):
    """The same object ids, so that drivers convert values alike."""
    def types(server):
        with server.connect() as connection:
            description = connection.execute("SELECT * FROM types").description
            return {column.name: column.type_code for column in description}

    expected = types(source)
    expected["v"] = expected["t"]  # varchar(n) is text here; the length stays visible in \d
    assert types(freshet) == expected


# node-postgres


def test_node_postgres(freshet):
    done = subprocess.run(["node", CLIENTS / "node_postgres.mjs", freshet.sql_url], text=True,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().endswith("all good")


# pgbench


@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_pgbench_reads(freshet, tmp_path, protocol):
    script = tmp_path / "read.sql"
    script.write_text("\\set id random(1, 50000)\nSELECT v FROM many WHERE id = :id;\n")
    done = subprocess.run(["pgbench", "-n", "-M", protocol, "-c", "4", "-t", "200", "-f", script,
                           freshet.sql_url], capture_output=True, text=True, timeout=120,
                          env={"PATH": "/usr/bin:/bin", "PGUSER": "reader"})
    assert done.returncode == 0, done.stderr
    assert "number of transactions actually processed: 800/800" in done.stdout, done.stdout
    assert "number of failed transactions: 0" in done.stdout, done.stdout


# libpq, by its own protocol steps


def test_libpq_describes_and_binds_binary(freshet):
    with freshet.connect() as connection:
        pgconn = connection.pgconn
        pgconn.prepare(b"named", b"SELECT id, v FROM many WHERE id = $1")
        described = pgconn.describe_prepared(b"named")
        assert described.nparams == 1
        assert [described.ftype(i) for i in range(described.nfields)] == [20, 25]
        result = pgconn.exec_prepared(b"named", [(77).to_bytes(8, "big")], [1], 1)
        assert result.get_value(0, 0) == (77).to_bytes(8, "big")
        assert result.get_value(0, 1) == b"value 77"


def test_libpq_row_by_row(freshet):
    with freshet.connect() as connection:
        pgconn = connection.pgconn
        pgconn.send_query(b"SELECT id FROM many ORDER BY id")
        pgconn.set_single_row_mode()
        count = 0
        while (result := pgconn.get_result()) is not None:
            count += result.ntuples
        assert count == 50000
