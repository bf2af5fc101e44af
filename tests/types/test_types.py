"""The type oracle: every type, its special values, every way a value can come; read through our wire,
as text and in binary, and compared with PostgreSQL's own answer byte by byte.

`types.toml` lists types and values; `differences.toml` what is known to differ, with the reason. A difference
that is not listed fails, and so does one that is listed and gone.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.postgres import Postgres

_HERE = Path(__file__).parent

# The types that the stream sends in binary; any other one makes it send all as text.
_BINARY = {"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "char", '"char"',
           "name", "bytea", "date", "time", "timestamp", "timestamptz", "interval", "uuid", "json", "jsonb",
           "positive", "price", "short_text"}

_FORMATS = {"text": 0, "binary": 1}


@dataclass
class Type:
    name: str
    values: list[str]
    setup: list[str] = field(default_factory=list)
    key: bool = True
    array: bool = True
    big: str = ""
    forms: list[str] = field(default_factory=lambda: list(_FORMATS))

    @property
    def is_binary(self) -> bool:
        return self.name.split("(")[0].split(" ")[0] in _BINARY

    @property
    def table(self) -> str:
        return "t_" + "".join(c if c.isalnum() else "_" for c in self.name.replace('"', "q"))

    def cast(self, value: str) -> str:
        return f"CAST({value} AS {self.name})"

    def rows(self) -> list[tuple[str, str]]:
        """Every value and array that there is of it, as expressions."""
        values = [self.cast(value) for value in self.values]
        if self.big:
            values.append(f"CAST({self.big} AS {self.name})")
        rows = [(value, f"ARRAY[{value}, NULL, {value}]::{self.name}[]" if self.array else "NULL")
                for value in values]
        rows.append(("NULL", "NULL"))
        if self.array:
            everything = f"ARRAY[{', '.join(values)}]::{self.name}[]"
            rows += [("NULL", array) for array in (
                f"'{{}}'::{self.name}[]", f"'{{NULL}}'::{self.name}[]", everything)]
        return rows

    def create(self) -> list[str]:
        array = f"{self.name}[]" if self.array else "int"
        tables = [f"CREATE TABLE {self.table} (id int PRIMARY KEY, v {self.name}, a {array}, n int)"]
        if self.big:
            tables.append(f"ALTER TABLE {self.table} ALTER v SET STORAGE EXTERNAL, ALTER a SET STORAGE EXTERNAL")
        if self.key:
            tables.append(f"CREATE TABLE {self.table}_key (v {self.name} PRIMARY KEY, n int)")
        return tables

    def insert(self, first: int) -> list[str]:
        return [f"INSERT INTO {self.table} VALUES ({first + i}, {value}, {array}, 0)"
                for i, (value, array) in enumerate(self.rows())]

    def copied(self) -> list[str]:
        """What the first copy finds: the values; rows for them to come later; keys."""
        statements = self.insert(0) + [
            f"INSERT INTO {self.table} VALUES ({2000 + i}, NULL, NULL, 0)" for i in range(len(self.rows()))]
        if self.key:
            statements += [f"INSERT INTO {self.table}_key VALUES ({self.cast(value)}, {i}) ON CONFLICT DO NOTHING"
                           for i, value in enumerate(self.values) if i % 2 == 0]
        return statements

    def streamed(self) -> list[str]:
        """Inserted, updated, left alone by an update (a TOASTed value is not sent then), as keys."""
        statements = self.insert(1000) + [
            f"UPDATE {self.table} SET v = {value}, a = {array} WHERE id = {2000 + i}"
            for i, (value, array) in enumerate(self.rows())]
        statements.append(f"UPDATE {self.table} SET n = n + 1")
        if self.key:
            statements += [f"INSERT INTO {self.table}_key VALUES ({self.cast(value)}, {i}) ON CONFLICT DO NOTHING"
                           for i, value in enumerate(self.values) if i % 2 == 1]
            statements.append(f"UPDATE {self.table}_key SET n = n + 100")
            statements.append(f"DELETE FROM {self.table}_key WHERE n = 101")
        return statements

    def questions(self) -> dict[str, str]:
        asked = {"value": f"SELECT v FROM {self.table} ORDER BY id"}
        if self.array:
            asked["array"] = f"SELECT a FROM {self.table} ORDER BY id"
        if self.key:
            asked["key"] = f"SELECT v FROM {self.table}_key ORDER BY n"
        return asked


TYPES = [Type(**entry) for entry in tomllib.loads((_HERE / "types.toml").read_text())["type"]]
_LISTED = tomllib.loads((_HERE / "differences.toml").read_text())["difference"]


@dataclass(frozen=True)
class Answer:
    oid: int
    values: tuple[bytes | None, ...]


def ask(connection, sql: str, form: str) -> Answer:
    """The type and the values of one column, byte by byte as they came."""
    result = connection.pgconn.exec_params(sql.encode(), [], result_format=_FORMATS[form])
    assert not result.error_message, f"{sql}: {result.error_message.decode()}"
    return Answer(result.ftype(0), tuple(result.get_value(row, 0) for row in range(result.ntuples)))


def differences(type_: Type, source, freshet) -> dict[tuple[str, str], list]:
    """By question, and form or "oid": what differs, ours and theirs."""
    found = {}
    for what, sql in type_.questions().items():
        for form in type_.forms:
            theirs, ours = ask(source, sql, form), ask(freshet, sql, form)
            if theirs.oid != ours.oid:
                found[what, "oid"] = [(ours.oid, theirs.oid)]
            pairs = list(zip(ours.values, theirs.values, strict=True))
            if wrong := [(mine, other) for mine, other in pairs if mine != other]:
                found[what, form] = wrong
    return found


def listed(type_: Type) -> set[tuple[str, str]]:
    return {(what, form) for entry in _LISTED if type_.name in entry["types"]
            for what in entry["of"] for form in entry["forms"]
            if what in type_.questions() and form in [*type_.forms, "oid"]}


@pytest.fixture(scope="module")
def source(module_servers) -> Postgres:
    return module_servers.postgres()


class Sides:
    """A database with some of the types, and its copy."""

    def __init__(self, servers, source: Postgres, database: str, types: list[Type]):
        source.create_database(database)
        with source.connect(database) as connection:
            for statement in (s for t in types for s in t.setup + t.create() + t.copied()):
                connection.execute(statement)
            self.freshet = servers.freshet({database: source.url(database)}).start().wait_live(
                *[f"public.{table}" for t in types for table in
                  [t.table] + ([f"{t.table}_key"] if t.key else [])])
            for statement in (s for t in types for s in t.streamed()):
                connection.execute(statement)
        self.freshet.wait_lsn(source)
        self.source = source.connect(database)
        self.ours = self.freshet.connect()
        for side in (self.source, self.ours):
            side.execute("SET TimeZone = 'Asia/Kathmandu'")


@pytest.fixture(scope="module")
def in_binary(module_servers, source):
    return Sides(module_servers, source, "in_binary", [t for t in TYPES if t.is_binary])


@pytest.fixture(scope="module")
def as_text(module_servers, source):
    return Sides(module_servers, source, "as_text", TYPES)


def check(type_: Type, sides: Sides) -> None:
    found = differences(type_, sides.source, sides.ours)
    surprising = {key: pairs[:5] for key, pairs in found.items() if key not in listed(type_)}
    assert not surprising, f"{type_.name}: ours and PostgreSQL's: {surprising}"
    gone = listed(type_) - set(found)
    assert not gone, f"{type_.name}: listed as different, and is equal: {sorted(gone)}"


@pytest.mark.parametrize("type_", [t for t in TYPES if t.is_binary], ids=lambda t: t.name)
def test_a_type_sent_in_binary(in_binary, type_):
    check(type_, in_binary)


@pytest.mark.parametrize("type_", TYPES, ids=lambda t: t.name)
def test_a_type_sent_as_text(as_text, type_):
    check(type_, as_text)


_BOUND = ["oid", "timetz", "inet", "cidr", "pg_lsn", "xid8", "int4range", "int8range", "numrange", "tsrange", "tstzrange",
          "daterange", "int4multirange", "int8multirange", "nummultirange", "datemultirange", "tsmultirange", "tstzmultirange"]


@pytest.mark.parametrize("form", _FORMATS)
@pytest.mark.parametrize("type_", [t for t in TYPES if t.name in _BOUND], ids=lambda t: t.name)
def test_a_value_comes_back_as_a_parameter(as_text, type_, form):
    """Each value that was read, sent as drivers do that know the type by its oid: it finds the rows it came from."""
    values = ask(as_text.source, f"SELECT DISTINCT v FROM {type_.table} WHERE v IS NOT NULL", form)
    assert values.values
    for value in values.values:
        counts = []
        for side in (as_text.source, as_text.ours):
            result = side.pgconn.exec_params(f"SELECT count(*) FROM {type_.table} WHERE v = $1".encode(), [value],
                                             param_types=[values.oid], param_formats=[_FORMATS[form]])
            assert not result.error_message, result.error_message
            counts.append(result.get_value(0, 0))
        assert counts[0] == counts[1] != b"0", (value, counts)
