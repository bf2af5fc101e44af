"""Changes of tables made from a seed, in transactions that also change rows before and after."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from oracle.schema import MARKS, Column, Table, copied
from oracle.transactions import insert, update
from oracle.values import KINDS, TOAST

_LOCK = "SET LOCAL lock_timeout = '3s'"


class DdlMaker:
    """`tables` is shared with the writers: committed() puts the new shape into it."""

    def __init__(self, rng: Random, writer: int, tables: list[Table], kinds: list[str]):
        self._rng = rng
        self._next_mark = writer * 1_000_000
        self._tables = tables
        self._kinds = kinds
        self._added = 0

    def make(self) -> tuple[int, list[str], Callable[[], None]]:
        """The mark, the statements, and what to call once they are committed."""
        rng = self._rng
        self._next_mark += 1
        mark = self._next_mark
        at = rng.randrange(len(self._tables))
        before = self._tables[at]
        after = copied(before)
        change = getattr(self, f"_{rng.choice(self._kinds)}")(after)
        statements = [_LOCK]
        if rng.random() < 0.5:
            statements.append(insert(rng, before, [rng.randrange(300)]))
        statements += change
        if rng.random() < 0.7 and not after.key.inserts_only:
            statements.append(update(rng, after, f"k % 5 = {rng.randrange(5)} AND k < {MARKS}"))
        tables = [after if table is before else table for table in self._tables]
        statements += [insert(rng, table, [MARKS + mark], mark) for table in tables]
        statements.append(f"INSERT INTO marks VALUES ({mark})")

        def committed() -> None:
            self._tables[at] = after

        return mark, statements, committed

    def _new_column(self) -> Column:
        self._added += 1
        return Column(f"added {self._added}", self._rng.choice(KINDS))

    def _add_column(self, table: Table) -> list[str]:
        column = self._new_column()
        table.columns.append(column)
        default = ""
        if self._rng.random() < 0.5:
            default = f" DEFAULT {column.kind.literal(self._rng)}"
        return [f'ALTER TABLE {table.name} ADD COLUMN "{column.name}" {column.kind.type}{default}']

    def _add_volatile(self, table: Table) -> list[str]:
        """Every row gets a value of its own, and nothing says which."""
        self._added += 1
        column = Column(f"added {self._added}", next(k for k in KINDS if k.type == "uuid"))
        table.columns.append(column)
        return [f'ALTER TABLE {table.name} ADD COLUMN "{column.name}" uuid DEFAULT gen_random_uuid()']

    def _drop_column(self, table: Table) -> list[str]:
        if not table.columns:
            return self._add_column(table)
        column = table.columns.pop(self._rng.randrange(len(table.columns)))
        return [f'ALTER TABLE {table.name} DROP COLUMN "{column.name}"']

    def _replace_column(self, table: Table) -> list[str]:
        """A new column under the old name and type: old rows have the default now."""
        if not table.columns:
            return self._add_column(table)
        column = self._rng.choice(table.columns)
        table.columns.remove(column)
        table.columns.append(column)
        return [f'ALTER TABLE {table.name} DROP COLUMN "{column.name}"',
                f'ALTER TABLE {table.name} ADD COLUMN "{column.name}" {column.kind.type}'
                f" DEFAULT {column.kind.literal(self._rng)}"]

    def _rename_column(self, table: Table) -> list[str]:
        if not table.columns:
            return self._add_column(table)
        at = self._rng.randrange(len(table.columns))
        old = table.columns[at]
        table.columns[at] = replace(old, name=self._new_column().name)
        return [f'ALTER TABLE {table.name} RENAME COLUMN "{old.name}" TO "{table.columns[at].name}"']

    def _widen_column(self, table: Table) -> list[str]:
        narrow = [i for i, column in enumerate(table.columns) if column.kind.widened]
        if not narrow:
            return self._add_column(table)
        at = self._rng.choice(narrow)
        old = table.columns[at]
        wide = next((k for k in KINDS if k.type == old.kind.widened),
                    replace(old.kind, type=old.kind.widened, widened=""))
        table.columns[at] = replace(old, kind=wide)
        return [f'ALTER TABLE {table.name} ALTER COLUMN "{old.name}" TYPE {wide.type}']

    def _rewrite_column(self, table: Table) -> list[str]:
        if not table.columns:
            return self._add_column(table)
        at = self._rng.randrange(len(table.columns))
        old = table.columns[at]
        text = next(k for k in KINDS if k.type == "text")
        table.columns[at] = replace(old, kind=TOAST if old.kind is TOAST else text)
        return [f'ALTER TABLE {table.name} ALTER COLUMN "{old.name}" TYPE text'
                f' USING \'was \' || "{old.name}"::text']

    def _rename_table(self, table: Table) -> list[str]:
        old = table.name
        self._added += 1
        table.name = f"{old.split('_')[0]}_{self._added}"
        return [f"ALTER TABLE {old} RENAME TO {table.name}"]

    def _index(self, table: Table) -> list[str]:
        self._added += 1
        name = f"index_{self._added}"
        return [f"CREATE INDEX {name} ON {table.name} (mark)"] + (
            [f"DROP INDEX {name}"] if self._rng.random() < 0.5 else [])

    def _identity(self, table: Table) -> list[str]:
        """Of a table with a key: by the whole row, and back again."""
        if table.partitions or table.key.name not in ("bigint", "full with a key"):
            return self._index(table)
        full = self._rng.random() < 0.5
        return [f"ALTER TABLE {table.name} REPLICA IDENTITY {'FULL' if full else 'DEFAULT'}"]


ALL = ["add_column", "add_volatile", "drop_column", "replace_column", "rename_column", "widen_column",
       "rewrite_column", "rename_table", "index", "identity"]
