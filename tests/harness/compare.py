"""The natural oracle: the same question to the source and to its copy, and equal rows.

Tables are compared as multisets of rows, by EXCEPT ALL both ways over the rows as text, which is what a
client gets. Large ones are streamed: psql writes the rows, `sort` orders them, `comm` tells what only
one side has; so a table of millions of rows needs little memory here.
"""

import struct
import subprocess
from collections import Counter
from pathlib import Path

import psycopg

from harness import processes
from harness.freshet import Freshet
from harness.postgres import Postgres
from harness.waiting import Overdue, until

Row = tuple[str | None, ...]

_SHOWN = 10
_FEW_ROWS = 3000
_COLUMN = "\x1f"
_NULL = "\x1eNULL"
_CLIENT = {"PGTZ": "UTC", "PGOPTIONS": "", "PGCLIENTENCODING": "UTF8", "LC_ALL": "C",
           "PGCONNECT_TIMEOUT": "10"}


class Answer:
    """Column names and rows of one statement, every value as the server's text."""

    def __init__(self, columns: list[str], rows: list[Row]):
        self.columns = columns
        self.rows = rows

    def __eq__(self, other) -> bool:
        return (self.columns, Counter(self.rows)) == (other.columns, Counter(other.rows))


def ask(connection, sql: str) -> Answer:
    """Runs one statement through libpq and takes the text of each value as it came."""
    result = connection.pgconn.exec_(sql.encode())
    if result.error_message:
        raise AssertionError(f"{sql}\n{result.error_message.decode(errors='replace')}")
    columns = [result.fname(c).decode() for c in range(result.nfields)]
    rows = [tuple(_text(result.get_value(r, c)) for c in range(result.nfields))
            for r in range(result.ntuples)]
    return Answer(columns, rows)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def difference(left: list[Row], right: list[Row]) -> tuple[list[Row], list[Row]]:
    """EXCEPT ALL both ways: rows only on the left, rows only on the right."""
    left_count, right_count = Counter(left), Counter(right)
    return list((left_count - right_count).elements()), list((right_count - left_count).elements())


def tables_of(source: Postgres, database: str = "postgres") -> list[str]:
    """Every table that is mirrored by default; a partitioned one stands for its partitions (before
    13 it is the other way round)."""
    roots = source.value("SELECT current_setting('server_version_num')::int >= 130000")
    kinds = "relkind IN ('r', 'p') AND NOT relispartition" if roots else "relkind = 'r'"
    rows = source.execute("SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class c"
                          f" JOIN pg_namespace n ON n.oid = relnamespace WHERE {kinds}"
                          " AND relpersistence = 'p'"
                          " AND nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
                          database)
    return [row[0] for row in rows]


def assert_equal_tables(source: Postgres, freshet: Freshet, tables: list[str] | None = None,
                        database: str = "postgres") -> None:
    """Every row of every table (names as SQL takes them), on both sides, once the copy has caught
    up."""
    names = tables if tables is not None else tables_of(source, database)
    with source.connect(database) as left, freshet.connect() as right:
        for connection in (left, right):
            connection.execute("SET TimeZone = 'UTC'")
        left.execute("SET extra_float_digits = 3")
        for table in names:
            columns = columns_of(left, table)
            listed = {column: '"' + column.replace('"', '""') + '"' for column in columns}
            at_source = {**listed, **{column: without_zeros(listed[column], is_array)
                                      for column, is_array in numerics_of(left, table).items()
                                      if column in listed}}
            questions = [f"SELECT {', '.join(at_source.values())} FROM {own_rows(left, table)}",
                         f"SELECT {', '.join(listed.values())} FROM {table}"]
            if left.execute(f"SELECT count(*) FROM {table}").fetchone()[0] <= _FEW_ROWS:
                answers = [ask(side, question).rows
                           for side, question in zip((left, right), questions)]
                answers = exact_floats(answers, float_formats(left, table))
                only_left, only_right = difference(*answers)
                fail_if_different(table, columns, (len(only_left), only_left[:_SHOWN]),
                                  (len(only_right), only_right[:_SHOWN]))
            else:
                compare_streams(table, columns, questions, [source.url(database), freshet.sql_url])


def columns_of(source, table: str) -> list[str]:
    """Columns that replication sends, in their order: not the dropped ones; generated ones since 18,
    when they are stored."""
    generated = {"": 0, "= ''": 120000, "IN ('', 's')": 180000}
    sent = [how for how, since in generated.items() if source.info.server_version >= since][-1]
    rows = source.execute("SELECT attname FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped"
                          f" AND {f'attgenerated {sent}' if sent else 'true'} AND attrelid = '{table}'::regclass"
                          " ORDER BY attnum").fetchall()
    return [row[0] for row in rows]


def numerics_of(source, table: str) -> dict[str, bool]:
    """The columns of numbers that no DECIMAL holds, whose copies show no zeros at the end; and whether
    they are arrays."""
    rows = source.execute(
        "SELECT attname, CASE WHEN typtype = 'd' THEN typtypmod ELSE atttypmod END,"
        " atttypid = 'numeric[]'::regtype FROM pg_attribute a"
        " JOIN pg_type t ON t.oid = atttypid WHERE attnum > 0 AND NOT attisdropped AND"
        " (atttypid IN ('numeric'::regtype, 'numeric[]'::regtype) OR typbasetype = 'numeric'::regtype)"
        f" AND attrelid = '{table}'::regclass").fetchall()
    return {name: is_array for name, modifier, is_array in rows if not _is_decimal(modifier)}


def _is_decimal(modifier: int) -> bool:
    precision = (modifier - 4) >> 16
    scale = (((modifier - 4) & 0x7FF) ^ 1024) - 1024
    return modifier >= 0 and precision <= 38 and 0 <= scale <= precision


def without_zeros(numeric: str, is_array: bool) -> str:
    if is_array:
        return (f"CASE WHEN {numeric} = '{{}}' THEN '{{}}' WHEN {numeric} IS NOT NULL THEN (SELECT '{{' ||"
                f" string_agg(coalesce({without_zeros('x', False)}, 'NULL'), ',' ORDER BY o) || '}}'"
                f" FROM unnest({numeric}) WITH ORDINALITY AS list(x, o)) END")
    return (f"CASE WHEN {numeric}::text LIKE '%.%' THEN rtrim(rtrim({numeric}::text, '0'), '.')"
            f" ELSE {numeric}::text END")


def float_formats(source, table: str) -> dict[int, str]:
    """Where a server before 12 has floats, as struct knows them: it writes 0.333333343 for what
    newer ones write as 0.33333334."""
    if source.info.server_version >= 120000:
        return {}
    formats = {"real": "f", "double precision": "d"}
    types = source.execute("SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attnum > 0"
                           f" AND NOT attisdropped AND attrelid = '{table}'::regclass"
                           " ORDER BY attnum").fetchall()
    return {place: formats[name] for place, (name,) in enumerate(types) if name in formats}


def exact_floats(answers: list[list[Row]], formats: dict[int, str]) -> list[list[Row]]:
    """The rows with the bytes of each float in place of its text."""

    def exact(place: int, text: str | None) -> str | None:
        if text is None or place not in formats:
            return text
        return struct.pack(formats[place], float(text)).hex()

    if not formats:
        return answers
    return [[tuple(exact(place, text) for place, text in enumerate(row)) for row in rows]
            for rows in answers]


def own_rows(source, table: str) -> str:
    """The table without its children by inheritance, which are tables of their own."""
    kind = source.execute(f"SELECT relkind FROM pg_class WHERE oid = '{table}'::regclass").fetchone()
    return table if kind[0] == "p" else f"ONLY {table}"


def compare_streams(table: str, columns: list[str], questions: list[str], urls: list[str]) -> None:
    folder = processes.folder("compare")
    try:
        left, right = folder / "left", folder / "right"
        _write_sorted(urls[0], questions[0], left)
        _write_sorted(urls[1], questions[1], right)
        fail_if_different(table, columns, _only(left, right, "-23"), _only(left, right, "-13"))
    finally:
        processes.remove(folder)


def fail_if_different(table: str, columns: list[str], left: tuple[int, list[Row]],
                      right: tuple[int, list[Row]]) -> None:
    """`left` and `right`: how many rows only that side has, and the first of them."""
    assert left[0] == 0 and right[0] == 0, (
        f"{table} differs\ncolumns: {columns}\n"
        f"{left[0]} rows only on the source, such as\n{_shown(left[1])}\n"
        f"{right[0]} rows only in the copy, such as\n{_shown(right[1])}")


def _write_sorted(url: str, sql: str, path: Path) -> None:
    """All rows of the statement, each ended by a zero byte, in the order of their bytes."""
    with open(path.with_suffix(".errors"), "w+b") as errors, open(path, "wb") as rows:
        reader = processes.start(
            ["psql", "-XAtq0", "-v", "ON_ERROR_STOP=1", "-F", _COLUMN, "-P", f"null={_NULL}",
             "-c", sql, _with_user(url)],
            stdout=subprocess.PIPE, stderr=errors, environment=_CLIENT)
        sorter = processes.start(["sort", "-z", "-S", "256M", "-T", path.parent],
                                 stdin=reader.stdout, stdout=rows, stderr=errors,
                                 environment=_CLIENT)
        reader.stdout.close()
        sorted_well = sorter.wait(timeout=300) == 0
        read_well = reader.wait(timeout=300) == 0
        errors.seek(0)
        assert read_well and sorted_well, f"{sql}\n{errors.read().decode(errors='replace')}"


def _with_user(url: str) -> str:
    scheme, rest = url.split("://", 1)
    return url if "@" in rest else f"{scheme}://reader@{rest}"


def _only(left: Path, right: Path, which: str) -> tuple[int, list[Row]]:
    """How many rows only one side has, and the first of them."""
    out = subprocess.run(["comm", "-z", which, left, right], check=True, capture_output=True,
                         env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout
    rows = out.split(b"\0")[:-1]
    return len(rows), [_values(row.decode(errors="replace")) for row in rows[:_SHOWN]]


def _values(row: str) -> Row:
    return tuple(None if value == _NULL else value for value in row.split(_COLUMN))


def _shown(rows: list[Row]) -> str:
    return "\n".join("  " + " | ".join("NULL" if value is None else value for value in row)[:400]
                     for row in rows)


def settle(source, freshet, table: str) -> None:
    freshet.wait_lsn(source)
    freshet.wait_live(f"public.{table}")
    freshet.wait_lsn(source)


def until_equal(source, freshet, table: str, seconds: float = 30) -> None:
    """What only the catalog tells is noticed a moment later."""

    def equal() -> bool:
        settle(source, freshet, table)
        try:
            assert_equal_tables(source, freshet, [table])
            return True
        except (AssertionError, psycopg.Error) as problem:
            equal.problem = problem
            return False

    try:
        until(f"{table} is equal", equal, seconds)
    except Overdue:
        raise equal.problem from None
