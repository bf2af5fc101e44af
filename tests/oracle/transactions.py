"""Transactions made from a seed: every row operation, savepoints, rollbacks, truncates, huge ones.

A transaction is a list of statements; who runs it decides nothing. It leaves its mark in every table
(see schema.py) and moves an amount between the two ledgers, whose sum therefore never changes. The
table `marks` has nothing but marks and is never truncated: from it a truncated table gets them back.
"""

from dataclasses import dataclass
from random import Random

from oracle.schema import MARKS, ORDINARY, Table, region_of
from oracle.values import TOAST

LEDGER_ACCOUNTS = 40
BOOKS = [
    "CREATE TABLE marks (mark bigint PRIMARY KEY)",
    "CREATE TABLE ledger_a (id int PRIMARY KEY, amount numeric(20,2) NOT NULL)",
    f"INSERT INTO ledger_a SELECT i, 100 FROM generate_series(1, {LEDGER_ACCOUNTS}) i",
    "CREATE TABLE ledger_b (n int, name text NOT NULL, amount bigint NOT NULL)",
    "ALTER TABLE ledger_b REPLICA IDENTITY FULL",
    f"INSERT INTO ledger_b SELECT i, 'account', -100 FROM generate_series(1, {LEDGER_ACCOUNTS}) i",
]
HUGE_ROWS = 100_000


@dataclass
class Transaction:
    mark: int
    statements: list[str]
    end: str  # COMMIT, ROLLBACK or PREPARE


@dataclass
class Weights:
    """How likely the rarer things are, per transaction."""
    truncate: float = 0.02
    huge: float = 0.0
    rollback: float = 0.1
    prepare: float = 0.05


class Maker:
    """The transactions of one writer, one after the other."""

    def __init__(self, rng: Random, writer: int, tables: list[Table], weights: Weights):
        self._rng = rng
        self._next_mark = writer * 1_000_000
        self._tables = tables
        self._weights = weights

    def make(self) -> Transaction:
        rng = self._rng
        self._next_mark += 1
        mark = self._next_mark
        statements = self._operations() + _ledger(rng)
        if rng.random() < self._weights.huge:
            statements += self._huge(mark)
        marks = [insert(rng, table, [MARKS + mark], mark) for table in self._tables]
        marks.append(f"INSERT INTO marks VALUES ({mark})")
        if rng.random() < self._weights.truncate:
            # Before our own marks, which would come back twice.
            rng.shuffle(marks)
            statements = _shuffled(rng, statements + self._truncate()) + marks
        else:
            statements = _shuffled(rng, statements + marks)
        return Transaction(mark, statements, self._end())

    def _end(self) -> str:
        chance = self._rng.random()
        if chance < self._weights.rollback:
            return "ROLLBACK"
        return "PREPARE" if chance < self._weights.rollback + self._weights.prepare else "COMMIT"

    def _operations(self) -> list[str]:
        rng = self._rng
        made = []
        for _ in range(rng.choice([0, 1, 1, 2, 3, 5])):
            operation = self._operation(rng.choice(self._tables))
            if rng.random() < 0.2:
                inner = self._operation(rng.choice(self._tables))
                last = rng.choice(["RELEASE a", "ROLLBACK TO a", "ROLLBACK TO a; RELEASE a"])
                operation = f"SAVEPOINT a; {operation}; SAVEPOINT b; {inner}; {last}"
            made.append(operation)
        return made

    def _operation(self, table: Table) -> str:
        rng = self._rng
        if table.key.inserts_only:
            return insert(rng, table, _ks(rng))
        what = rng.choice(["insert", "insert", "update", "update", "update", "key", "delete", "bulk",
                           "twice"])
        if what == "insert":
            return insert(rng, table, _ks(rng))
        if what == "bulk":
            return bulk(rng, table, rng.randrange(ORDINARY), rng.randrange(1, 150))
        if what == "delete":
            return f"DELETE FROM {table.name} WHERE {_where(rng)}"
        if what == "key":
            return change_key(rng, table)
        if what == "twice":
            where = _where(rng)
            return "; ".join(update(rng, table, where) for _ in range(2))
        return update(rng, table, _where(rng))

    def _truncate(self) -> list[str]:
        """Empties tables and puts the marks back, as whoever committed before left them."""
        emptied = self._rng.sample(self._tables, self._rng.choice([1, 1, 2]))
        names = ", ".join(table.name for table in emptied)
        again = "; ".join(restore_marks(self._rng, table) for table in emptied)
        return [f"TRUNCATE {names}; {again}"]

    def _huge(self, mark: int) -> list[str]:
        small = [t for t in self._tables if not any(c.kind is TOAST for c in t.columns)]
        if not small:
            return []
        table = self._rng.choice(small)
        first = 1_000_000 + mark % 1000 * HUGE_ROWS % 8_000_000
        made = [bulk(self._rng, table, first, HUGE_ROWS)]
        if table.key.inserts_only:
            return made
        where = f"k >= {first} AND k < {first + HUGE_ROWS}"
        if self._rng.random() < 0.5:
            made.append(update(self._rng, table, where + " AND k % 3 = 0"))
        if self._rng.random() < 0.7:
            made.append(f"DELETE FROM {table.name} WHERE {where} AND k % 7 > 0")
        return ["; ".join(made)]


def _shuffled(rng: Random, statements: list[str]) -> list[str]:
    rng.shuffle(statements)
    return statements


def _ks(rng: Random) -> list[int]:
    return rng.sample(range(ORDINARY), rng.choice([1, 1, 2, 5]))


def _where(rng: Random) -> str:
    """A few ordinary rows; now and then many."""
    first = rng.randrange(ORDINARY)
    last = first + rng.choice([0, 0, 1, 3, 10, ORDINARY])
    return f"k BETWEEN {first} AND {last}"


def insert(rng: Random, table: Table, ks: list[int], mark: int | None = None) -> str:
    values = [[str(k), *(c.kind.literal(rng) for c in table.columns)] for k in ks]
    rows = ", ".join(f"({', '.join(row)})" for row in values)
    sources = [f'v."{c.name}"' for c in table.columns]
    listed = ", ".join(["k", *(f'"{c.name}"' for c in table.columns)])
    return (_insert_into(table, sources, "v.k", str(mark) if mark else "NULL::bigint")
            + f" FROM (VALUES {rows}) AS v({listed}){_on_conflict(rng, table)}")


def bulk(rng: Random, table: Table, first: int, count: int) -> str:
    """Rows in a row, alike in all but their keys."""
    return (_insert_into(table, [c.kind.literal(rng) for c in table.columns], "g", "NULL::bigint")
            + f" FROM generate_series({first}, {first + count - 1}) g{_on_conflict(rng, table)}")


def restore_marks(rng: Random, table: Table) -> str:
    values = [c.kind.literal(rng) for c in table.columns]
    return _insert_into(table, values, f"{MARKS} + m.mark", "m.mark") + " FROM marks m"


def _insert_into(table: Table, values: list[str], k: str, mark: str) -> str:
    keys = table.key_of(k)
    names = ["k", *keys, *(f'"{c.name}"' for c in table.columns), "mark"]
    made = [k, *keys.values(), *values, mark]
    return f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {', '.join(made)}"


def _on_conflict(rng: Random, table: Table) -> str:
    if not table.key.unique:
        return ""
    target = table.key.constraint[table.key.constraint.index("("):].split(")")[0] + ")"
    if table.partitions:
        target = target.replace("(", "(region, ", 1)
    if table.columns and rng.random() < 0.5:
        column = rng.choice(table.columns)
        return f' ON CONFLICT {target} DO UPDATE SET "{column.name}" = excluded."{column.name}"'
    return " ON CONFLICT DO NOTHING"


def update(rng: Random, table: Table, where: str) -> str:
    """Some columns get new values; what is not among them keeps what it has, toasted or not."""
    chosen = rng.sample(table.columns, rng.randrange(1, len(table.columns) + 1)) if table.columns else []
    sets = [f'"{c.name}" = {c.kind.literal(rng)}' for c in chosen]
    if table.partitions and rng.random() < 0.3:
        sets.append(f"region = {region_of(f'k + {rng.randrange(4)}')}")  # rows move
    if table.key.name == "numeric" and rng.random() < 0.3:
        sets.append(f"n = round(n, {rng.randrange(2, 9)})")  # another text, and the same key
    return f"UPDATE {table.name} SET {', '.join(sets or ['k = k'])} WHERE {where}"


def change_key(rng: Random, table: Table) -> str:
    """May meet a row that has the key already: then the transaction fails."""
    step = rng.choice([1, 2, ORDINARY, -ORDINARY])
    sets = {"k": f"k + {step}", **table.key_of(f"(k + {step})")}
    if table.columns and rng.random() < 0.5:
        column = rng.choice(table.columns)
        sets[f'"{column.name}"'] = column.kind.literal(rng)
    assigned = ", ".join(f"{name} = {value}" for name, value in sets.items())
    first = rng.randrange(ORDINARY) + (ORDINARY if step < 0 else 0)
    return f"UPDATE {table.name} SET {assigned} WHERE k BETWEEN {first} AND {first + rng.choice([0, 0, 3])}"


def _ledger(rng: Random) -> list[str]:
    amount = rng.randrange(-1000, 1000)
    one, other = (rng.randrange(1, LEDGER_ACCOUNTS + 1) for _ in range(2))
    return [f"UPDATE ledger_a SET amount = amount + {amount} WHERE id = {one}",
            f"UPDATE ledger_b SET amount = amount - {amount} WHERE n = {other}"]
