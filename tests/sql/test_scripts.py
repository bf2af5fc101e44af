"""Runs every script of this folder on PostgreSQL and on its copy; see README.md."""

from collections import Counter
from pathlib import Path

import pytest

from harness import compare, scripts

HERE = Path(__file__).parent
SCRIPTS = [scripts.read(path) for path in sorted(HERE.glob("*.sql"))]
ALLOWED = scripts.allowed(HERE / "differences.toml")


class World:
    """One source and one copy for all scripts; each script has tables of its own names."""

    def __init__(self, servers):
        self.source = servers.postgres()
        self.tables: dict[str, list[str]] = {}
        known: set[str] = set()
        for script in SCRIPTS:
            scripts.run(self.source.url(), script.setup)
            now = set(compare.tables_of(self.source))
            self.tables[script.path.name] = sorted(now - known)
            known = now
        self.freshet = servers.freshet(self.source).start()


@pytest.fixture(scope="module")
def world(module_servers):
    return World(module_servers)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.path.stem)
def test_script(world, script):
    tables = world.tables[script.path.name]
    assert tables, "the setup section creates no table"
    world.freshet.wait_live(*tables)
    compare.assert_equal_tables(world.source, world.freshet, tables)
    wrong = []
    with world.source.connect() as source, world.freshet.connect() as copy:
        for connection in (source, copy):
            connection.execute("SET TimeZone = 'UTC'")
        for section in script.rest:
            if section.kind == "change":
                scripts.run(world.source.url(), section.sql)
                world.freshet.wait_lsn(world.source)
                compare.assert_equal_tables(world.source, world.freshet, tables)
            else:
                wrong += check_query(script, section, source, copy)
    assert not wrong, "\n".join(wrong)


def check_query(script, section, source, copy) -> list[str]:
    """What is wrong with one query: nothing, or a text for people."""
    where = f"{script.path.name}:{section.line} {section.name}"
    difference = ALLOWED.get((script.path.name, section.name))
    expected = compare.ask(source, section.sql)
    try:
        got = compare.ask(copy, section.sql)
    except AssertionError as refused:
        return [] if difference and difference.ours is None else [f"{where}: {refused}"]
    if difference and difference.ours is not None:
        if tuple(got.rows) != difference.ours:
            return [f"{where}: listed as {difference.ours}, but is now {got.rows}"]
        return []
    # The engine names columns without a name of their own in its way (docs/sql.md).
    equal = Counter(got.rows) == Counter(expected.rows)
    if equal and scripts.is_ordered(section.sql):
        equal = got.rows == expected.rows
    if equal and difference:
        return [f"{where}: no longer differs, take it from differences.toml"]
    return [] if equal or difference else [describe(where, expected, got)]


def describe(where: str, expected, got) -> str:
    missing, extra = compare.difference(expected.rows, got.rows)
    if not missing and not extra:
        return f"{where}: same rows in another order: {expected.rows[:5]} … {got.rows[:5]}"
    return (f"{where}\n"
            f"  only PostgreSQL: {missing[:5]}\n  only Freshet:    {extra[:5]}")


def test_every_listed_difference_belongs_to_a_query():
    queries = {(script.path.name, section.name) for script in SCRIPTS for section in script.sections}
    assert set(ALLOWED) <= queries
