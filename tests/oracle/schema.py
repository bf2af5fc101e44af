"""Tables made from a seed: keys, identities, partitions, columns of every kind.

Every table has two columns of ours. `k` addresses rows: each key is computed from it, so that a
statement can say "the rows of k 3 to 7" whatever the key looks like. `mark` is NULL in ordinary rows;
each transaction leaves one row with its number in every table, far above the ordinary `k`. So
wherever a read sees a transaction's mark in one table, it must see it in all.
"""

from dataclasses import dataclass, field, replace
from random import Random

from oracle.values import KINDS, TOAST, Kind

# Ordinary rows have a k below it, the row of mark m has k = MARKS + m.
MARKS = 10_000_000
ORDINARY = 300  # values of k that single statements use


@dataclass(frozen=True)
class Key:
    """How rows are told apart. `columns`: name → type and the expression that makes it of k."""
    name: str
    columns: dict[str, tuple[str, str]] = field(default_factory=dict)
    constraint: str = ""  # within CREATE TABLE
    identity: str = ""    # of REPLICA IDENTITY, when it is not the default
    inserts_only: bool = False

    @property
    def unique(self) -> bool:
        return "PRIMARY" in self.constraint or "UNIQUE" in self.constraint


KEYS = [
    Key("bigint", constraint="PRIMARY KEY (k)"),
    Key("text", {"code": ("text", "'Käy ' || {k}")}, "PRIMARY KEY (code)"),
    Key("pair", {"a": ("int", "({k} % 97)::int"), "b": ("varchar(20)", "'b' || {k}")},
        "PRIMARY KEY (b, a)"),
    Key("uuid", {"u": ("uuid", "md5(({k})::text)::uuid")}, "PRIMARY KEY (u)"),
    # 0.50 and 0.5000 are one key.
    Key("numeric", {"n": ("numeric", "round({k} / 10.0, 2 + ({k} % 3)::int)")}, "PRIMARY KEY (n)"),
    Key("blank padded", {"d": ("date", "date '2000-01-01' + ({k} % 5000)::int"),
                         "c": ("char(9)", "({k} / 5000)::text")}, "PRIMARY KEY (d, c)"),
    Key("another index", {"code": ("text NOT NULL", "'i' || {k}")},
        "PRIMARY KEY (k), CONSTRAINT {table}_code UNIQUE (code)", "USING INDEX {table}_code"),
    Key("full", identity="FULL"),
    Key("full with a key", constraint="PRIMARY KEY (k)", identity="FULL"),
    Key("none", inserts_only=True),
]


@dataclass(frozen=True)
class Column:
    name: str
    kind: Kind
    default: str = ""  # a literal


@dataclass
class Table:
    name: str
    key: Key
    columns: list[Column]
    partitions: str = ""  # "", or how rows are spread

    def create(self) -> list[str]:
        listed = ["k bigint NOT NULL"]
        listed += [f"{name} {kind}" for name, (kind, _) in self.key.columns.items()]
        if self.partitions:
            listed.append("region text NOT NULL")
        listed += [f'"{c.name}" {c.kind.type}' for c in self.columns]
        listed.append("mark bigint")
        if self.key.constraint:
            constraint = self.key.constraint.format(table=self.name)
            if self.partitions:  # the key must contain what rows are spread by
                constraint = constraint.replace(" (", " (region, ")
            listed.append(constraint)
        made = [f"CREATE TABLE {self.name} ({', '.join(listed)}){self._spread()}"]
        for part, values in enumerate(_PARTS.get(self.partitions, [])):
            made.append(f"CREATE TABLE {self.name}_{part} PARTITION OF {self.name} {values}")
        if self.key.identity:
            identity = self.key.identity.format(table=self.name)
            made += [f"ALTER TABLE {name} REPLICA IDENTITY {identity}" for name in self._leaves()]
        made.append(f"CREATE INDEX ON {self.name} (k)")
        made += [f'ALTER TABLE {self.name} ALTER COLUMN "{c.name}" SET STORAGE EXTERNAL'
                 for c in self.columns if c.kind is TOAST]
        return made

    def _spread(self) -> str:
        if not self.partitions:
            return ""
        return f" PARTITION BY {self.partitions} (region)"

    def _leaves(self) -> list[str]:
        parts = _PARTS.get(self.partitions, [])
        return [self.name] + [f"{self.name}_{part}" for part in range(len(parts))]

    def key_of(self, k: str) -> dict[str, str]:
        """Key columns and their expressions for the expression `k`."""
        made = {name: expression.format(k=k) for name, (_, expression) in self.key.columns.items()}
        if self.partitions:
            made["region"] = region_of(k)
        return made

    def __str__(self) -> str:
        spread = f", by {self.partitions.lower()}" if self.partitions else ""
        kinds = ", ".join("toast" if c.kind is TOAST else c.kind.type for c in self.columns)
        return f"{self.name} ({self.key.name}{spread}: {kinds})"


_PARTS = {
    "LIST": ["FOR VALUES IN ('r0', 'r1')", "FOR VALUES IN ('r2')", "DEFAULT"],
    "RANGE": ["FOR VALUES FROM ('a') TO ('r1')", "FOR VALUES FROM ('r1') TO ('zz')"],
    "HASH": ["FOR VALUES WITH (MODULUS 2, REMAINDER 0)", "FOR VALUES WITH (MODULUS 2, REMAINDER 1)"],
}


def region_of(k: str) -> str:
    return f"'r' || ({k}) % 4"


def make_tables(rng: Random) -> list[Table]:
    """Three to six tables. One has a plain key and one is keyed by its whole rows, because those
    are what people have; the others are drawn."""
    keys = [KEYS[0], next(key for key in KEYS if key.name == "full")]
    keys += rng.sample(KEYS, rng.randrange(1, 5))
    rng.shuffle(keys)
    tables = []
    for number, key in enumerate(keys):
        kinds = rng.sample(KINDS, rng.randrange(1, 8)) + [TOAST] * (rng.random() < 0.5)
        columns = [Column(f"c{i}", kind) for i, kind in enumerate(kinds)]
        spread = rng.choice(list(_PARTS)) if rng.random() < 0.3 and _can_be_spread(key) else ""
        tables.append(Table(f"t{number}", key, columns, spread))
    return tables


def _can_be_spread(key: Key) -> bool:
    """An index for the identity has one name, and partitions one each."""
    return "INDEX" not in key.identity


def copied(table: Table) -> Table:
    return replace(table, columns=list(table.columns))
