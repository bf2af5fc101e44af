"""What one round will do, decided before it begins, from its seed alone."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from oracle import ddl, faults
from oracle.schema import Table, make_tables
from oracle.transactions import Weights


@dataclass
class Fault:
    run: Callable
    after_commits: int  # since the one before
    delay: float        # seconds more
    seed: int


@dataclass
class Plan:
    seed: int
    tables: list[Table]
    writers: int
    weights: Weights
    ddl: list[str]          # kinds of changes of tables; empty: none in this round
    rows_before: int        # per table, before the first copy
    writes_during_copy: bool
    link_bytes_per_second: float | None  # during the first copy
    faults: list[Fault]
    commits: int            # at least, after the last fault

    def __str__(self) -> str:
        """Compact, for people who look at a failure."""
        link = f"{self.link_bytes_per_second / 1e6:.1f} MB/s" if self.link_bytes_per_second else "fast"
        lines = [f"seed {self.seed}: {self.writers} writers, {self.rows_before} rows before,"
                 f" link {link}, writes during the copy: {'yes' if self.writes_during_copy else 'no'},"
                 f" DDL: {', '.join(self.ddl) or 'none'}, huge: {self.weights.huge}"]
        lines += [f"  {table}" for table in self.tables]
        lines.append("  " + " · ".join(f"{fault.run.__name__} after {fault.after_commits}"
                                       for fault in self.faults))
        return "\n".join(lines)


def make_plan(seed: int) -> Plan:
    rng = Random(seed)
    tables = make_tables(rng)
    with_ddl = rng.random() < 0.4
    huge = 0.02 if rng.random() < 0.2 else 0.0
    return Plan(
        seed=seed,
        tables=tables,
        writers=rng.choice([1, 2, 3, 4]),
        weights=Weights(truncate=rng.choice([0, 0.02, 0.1]), huge=huge,
                        rollback=rng.choice([0.05, 0.3]), prepare=rng.choice([0, 0.1])),
        ddl=rng.sample(ddl.ALL, rng.randrange(1, len(ddl.ALL) + 1)) if with_ddl else [],
        rows_before=rng.choice([0, 200, 2000, 8000]),
        writes_during_copy=rng.random() < 0.8,
        link_bytes_per_second=rng.choice([None, None, 1e6, 4e6]),
        faults=[Fault(run=rng.choice(faults.ALL), after_commits=rng.choice([0, 5, 20, 60]),
                      delay=rng.choice([0, 0, rng.uniform(0, 0.5)]), seed=rng.randrange(10**9))
                for _ in range(rng.choice([3, 4, 5, 6]))],
        commits=rng.choice([20, 60]),
    )
