"""The source alters its tables while they are followed: with nothing after it, before the next row, during
heavy writes.

Every table has the columns id, n, a, b and c, which the changes are made of; writers use id and n alone.
"""

import re
import threading

import psycopg
import pytest

from harness import compare
from harness.compare import settle, until_equal
from harness.waiting import until

ROWS = 400
TABLE = ("CREATE TABLE {t} (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0, a int DEFAULT 5,"
         " b varchar(20), c numeric(8,2));"
         f"INSERT INTO {{t}} SELECT i, i, i % 7, 'b' || i, i / 4.0 FROM generate_series(1, {ROWS}) i")

# What happens to a table, and whether its rows have to be copied again for it.
IN_PLACE = {
    "add": "ALTER TABLE {t} ADD d text",
    "add_constant": "ALTER TABLE {t} ADD d int DEFAULT 42, ADD e timestamptz DEFAULT now()",
    "add_odd_constants": """ALTER TABLE {t} ADD d text DEFAULT '{{"a,b"}} \\ "x"', ADD e int[] DEFAULT '{{1,NULL,3}}',
        ADD f numeric DEFAULT 1.50, ADD g bytea DEFAULT '\\x00ff', ADD h interval DEFAULT '1 mon 2 days',
        ADD i jsonb DEFAULT '{{"k": [1, 2]}}', ADD j boolean DEFAULT true, ADD k uuid DEFAULT
        '00000000-0000-0000-0000-0000000000ff', ADD l text DEFAULT ''""",
    "add_several": "ALTER TABLE {t} ADD d int; ALTER TABLE {t} ADD e int DEFAULT 3; ALTER TABLE {t} ADD f text",
    "add_not_null": "ALTER TABLE {t} ADD d int NOT NULL DEFAULT 1",
    "drop": "ALTER TABLE {t} DROP a",
    "drop_several": "ALTER TABLE {t} DROP a, DROP c",
    "rename": "ALTER TABLE {t} RENAME a TO z",
    "rename_oddly": "ALTER TABLE {t} RENAME COLUMN a TO \"Ä b\"",
    "swap_names": "BEGIN; ALTER TABLE {t} RENAME a TO x; ALTER TABLE {t} RENAME n TO a;"
                  " ALTER TABLE {t} RENAME x TO n; COMMIT",
    "widen_varchar": "ALTER TABLE {t} ALTER b TYPE varchar(40)",
    "varchar_to_text": "ALTER TABLE {t} ALTER b TYPE text",
    "widen_numeric": "ALTER TABLE {t} ALTER c TYPE numeric(16,2)",
    "numeric_without_bounds": "ALTER TABLE {t} ALTER c TYPE numeric",
    "full_identity": "ALTER TABLE {t} REPLICA IDENTITY FULL",
    "same_name": "ALTER TABLE {t} DROP a, ADD a int DEFAULT 77",
    "another_key": "ALTER TABLE {t} DROP CONSTRAINT {t}_pkey, ADD PRIMARY KEY (id, n)",
}
COPIED_AGAIN = {
    "volatile_default": "ALTER TABLE {t} ADD d float DEFAULT random()",
    "type_using": "ALTER TABLE {t} ALTER a TYPE text USING 'was ' || a",
    "type_to_bigint_using": "ALTER TABLE {t} ALTER a TYPE bigint USING a * 1000",
    "serial": "ALTER TABLE {t} ADD d serial",
    "same_type_using": "ALTER TABLE {t} ALTER a TYPE int USING a + 100",
    "last_column_again": "ALTER TABLE {t} DROP c; ALTER TABLE {t} ADD c numeric(8,2) DEFAULT 1.25",
}
UNTOLD = {  # by anything in the stream: nothing has to be done
    "vacuum_full": "VACUUM FULL {t}",
    "cluster": "CLUSTER {t} USING {t}_pkey",
    "default": "ALTER TABLE {t} ALTER a SET DEFAULT 9, ALTER n DROP NOT NULL",
    "index": "CREATE INDEX ON {t} (a); REINDEX TABLE {t}",
}
CASES = {**IN_PLACE, **COPIED_AGAIN, **UNTOLD}
MODES = ["with nothing after it", "before the next row", "during heavy writes"]
QUIET_ONLY = {"swap_names"}  # of a column that writers use


def name_of(case: str, mode: str) -> str:
    return f"{case}_{mode.split()[1]}"


CHOSEN = [(case, mode) for case in CASES for mode in MODES
          if not (mode == "during heavy writes" and case in QUIET_ONLY)]


@pytest.fixture(scope="module")
def world(module_servers):
    source = module_servers.postgres()
    source.execute(";".join(TABLE.format(t=name_of(*chosen)) for chosen in CHOSEN))
    freshet = module_servers.freshet(source).start()
    freshet.wait_live(seconds=120)
    return source, freshet


class Writer(threading.Thread):
    """Inserts, updates and deletes, all the time."""

    def __init__(self, source, table: str):
        super().__init__(daemon=True, name=f"writer of {table}")
        self._source = source
        self._table = table
        self._stopping = threading.Event()
        self.rounds = 0
        self.problem: Exception | None = None

    def run(self) -> None:
        try:
            with self._source.connect(prepare_threshold=None) as connection:
                while not self._stopping.is_set():
                    self._round(connection)
        except Exception as problem:  # noqa: BLE001: shown by stop()
            self.problem = problem

    def _round(self, connection) -> None:
        self.rounds += 1
        at = self.rounds
        with connection.transaction():
            connection.execute(f"INSERT INTO {self._table} (id, n) VALUES ({ROWS + at}, {at})")
            connection.execute(f"UPDATE {self._table} SET n = n + 1 WHERE id % 50 = {at % 50}")
            connection.execute(f"DELETE FROM {self._table} WHERE id = {ROWS + at - 20}")

    def __enter__(self) -> "Writer":
        self.start()
        self.wait_more(5)
        return self

    def wait_more(self, rounds: int) -> None:
        wanted = self.rounds + rounds
        until(f"{rounds} rounds of writes", lambda: self.rounds >= wanted or self.problem)

    def __exit__(self, *_) -> None:
        if self.problem is None:
            self.wait_more(5)
        self._stopping.set()
        self.join(timeout=30)
        assert self.problem is None, self.problem


def times_copied(freshet, table: str) -> int:
    return len(re.findall(rf"table copied .*table=public\.{table} ", freshet.log()))


def alter(source, table: str, ddl: str) -> None:
    """Each statement commits alone, but for one transaction."""
    whole = ddl.format(t=table)
    for statement in [whole] if whole.startswith("BEGIN") else whole.split("; "):
        source.execute(statement)


# The Relation message is the same as before.
SEEN_BY_THE_CATALOG = {"same_type_using", "last_column_again"}


@pytest.mark.parametrize("case, mode", CHOSEN)
def test_the_copy_follows(world, case, mode):
    source, freshet = world
    table = name_of(case, mode)
    if mode == "during heavy writes":
        with Writer(source, table) as writer:
            alter(source, table, CASES[case])
            writer.wait_more(20)
    else:
        alter(source, table, CASES[case])
        if mode == "before the next row":
            source.execute(f"INSERT INTO {table} (id, n) VALUES (0, 0);"
                           f" UPDATE {table} SET id = -1 WHERE id = 1")
    if mode == "before the next row" and case not in SEEN_BY_THE_CATALOG:
        settle(source, freshet, table)
        compare.assert_equal_tables(source, freshet, [table])
    else:
        until_equal(source, freshet, table)
    # With a row between the two steps it is certain what each did.
    if (case, mode) != ("last_column_again", "during heavy writes"):
        if case in COPIED_AGAIN:  # those who wrote every row anew may have made it equal before
            until(f"{table} is copied again", lambda: times_copied(freshet, table) > 1)
        else:
            assert times_copied(freshet, table) == 1, freshet.log()[-3000:]


def test_a_column_that_has_to_be_sent_as_text(servers):
    source = servers.postgres()
    source.execute(TABLE.format(t="t"))
    freshet = servers.freshet(source).start().wait_live()
    freshet.expects_log("source interrupted.*reconnecting in text mode")
    source.execute("ALTER TABLE t ADD d inet DEFAULT '10.0.0.1'; INSERT INTO t (id) VALUES (0)")
    until_equal(source, freshet, "t")


# In the middle of transactions.

WITHIN = """
BEGIN;
LOCK TABLE {t};
INSERT INTO {t} VALUES (1001, 1, 1, 'before', 1);
UPDATE {t} SET n = -1, b = 'x' WHERE id BETWEEN 10 AND 20;
ALTER TABLE {t} ADD d int DEFAULT 7;
INSERT INTO {t} VALUES (1002, 2, 2, 'with d', 2, 2);
UPDATE {t} SET d = n WHERE id BETWEEN 15 AND 25;
SAVEPOINT s;
ALTER TABLE {t} ADD never text; INSERT INTO {t} (id, never) VALUES (1003, 'never');
ROLLBACK TO s;
DELETE FROM {t} WHERE id = 1001;
ALTER TABLE {t} DROP b;
ALTER TABLE {t} RENAME c TO cc;
INSERT INTO {t} SELECT i, i, i, i, i FROM generate_series(2000, {last}) i;
UPDATE {t} SET cc = 0 WHERE id % 7 = 3;
{end};
"""


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
@pytest.mark.parametrize("size", ["small", "streamed"])
def test_in_the_middle_of_a_transaction(servers, size, end):
    source = servers.postgres(logical_decoding_work_mem="64kB")
    source.execute(TABLE.format(t="quiet") + ";" + TABLE.format(t="busy"))
    freshet = servers.freshet(source).start().wait_live()
    last = 2010 if size == "small" else 12_000
    source.execute(WITHIN.format(t="quiet", end=end, last=last))
    with Writer(source, "busy"):
        source.execute(WITHIN.format(t="busy", end=end, last=last))
    for table in ("quiet", "busy"):
        settle(source, freshet, table)
        compare.assert_equal_tables(source, freshet, [table])
        assert times_copied(freshet, table) == 1


def test_nothing_of_an_altering_transaction_shows_before_its_commit(servers):
    source = servers.postgres(logical_decoding_work_mem="64kB")
    source.execute(TABLE.format(t="t") + "; CREATE TABLE other (id int PRIMARY KEY)")
    freshet = servers.freshet(source).start().wait_live()
    with source.connect(autocommit=False) as open_one:
        open_one.execute("INSERT INTO t (id, n) SELECT i, 1 FROM generate_series(1000, 9000) i;"
                         "ALTER TABLE t ADD d int DEFAULT 7, DROP a;"
                         "INSERT INTO t (id, n) SELECT i, 1 FROM generate_series(10000, 19000) i")
        source.execute("INSERT INTO other VALUES (1)")
        freshet.wait_lsn(source)
        assert freshet.value("SELECT count(*) FROM t") == ROWS
        assert freshet.value("SELECT count(a) FROM t") > 0
    settle(source, freshet, "t")
    compare.assert_equal_tables(source, freshet)


# While tables are not live.

def test_while_the_first_copy_runs(servers):
    """An ALTER waits for the copy's lock, and comes before whatever was waiting behind it."""
    source = servers.postgres()
    source.execute(TABLE.format(t="t") + "; INSERT INTO t (id, b) SELECT i, 'more' || i"
                   " FROM generate_series(1000, 60000) i")
    link = servers.link(source, 1e6)
    freshet = servers.freshet({"main": link.url()}).start()
    until("the table is being copied", lambda: freshet.execute(
        "SELECT 1 FROM freshet.progress WHERE phase = 'copying'"))
    with Writer(source, "t"):
        altering = threading.Thread(target=source.execute, args=(
            "ALTER TABLE t ADD d text DEFAULT 'old', DROP a, ALTER b TYPE text",))
        altering.start()
        link.unlimited()
        altering.join(timeout=60)
    settle(source, freshet, "t")
    compare.assert_equal_tables(source, freshet)


@pytest.mark.parametrize("how", ["PAUSE", "RESYNC"])
def test_while_a_table_catches_up(servers, how):
    source = servers.postgres()
    source.execute(TABLE.format(t="t"))
    freshet = servers.freshet(source).start().wait_live()
    freshet.expects_log("could not copy table, trying again.*was altered while its snapshot")
    with Writer(source, "t") as writer:
        freshet.execute(f"ALTER COLLECTION t {how}")
        for ddl in ("add_constant", "drop", "widen_varchar", "rename"):
            writer.wait_more(10)
            alter(source, "t", CASES[ddl].replace("RENAME a", "RENAME c"))
        if how == "PAUSE":
            freshet.execute("ALTER COLLECTION t RESUME")
    settle(source, freshet, "t")
    compare.assert_equal_tables(source, freshet)


def test_a_restart_goes_on_in_the_new_shape(servers):
    source = servers.postgres()
    source.execute(TABLE.format(t="t"))
    freshet = servers.freshet(source).start().wait_live()
    alter(source, "t", "ALTER TABLE t ADD d int DEFAULT 8, DROP b; INSERT INTO t (id) VALUES (0)")
    settle(source, freshet, "t")
    freshet.kill()
    source.execute("UPDATE t SET d = 9 WHERE id < 10")
    freshet.start()
    settle(source, freshet, "t")
    compare.assert_equal_tables(source, freshet)
    assert times_copied(freshet, "t") == 1


# What only the catalog tells.

@pytest.fixture
def pair(servers):
    source = servers.postgres()
    source.execute(";".join(TABLE.format(t=t) for t in ("t", "u")) + "; CREATE SCHEMA other")
    freshet = servers.freshet(source).start().wait_live()
    return source, freshet


def names_here(freshet) -> set[str]:
    return set(freshet.states())


@pytest.mark.parametrize("busy", [False, True])
def test_tables_are_renamed_also_to_each_others_names(pair, busy):
    source, freshet = pair
    source.execute("UPDATE u SET n = -n")
    swap = ("BEGIN; ALTER TABLE t RENAME TO x; ALTER TABLE u RENAME TO t; ALTER TABLE x RENAME TO u; COMMIT")
    if busy:
        with Writer(source, "t") as writer:  # then the other one
            source.execute(swap.replace("BEGIN;", "BEGIN; LOCK t, u;"))
            writer.wait_more(20)
    else:
        source.execute(swap)
    for table in ("t", "u"):
        until_equal(source, freshet, table)
    source.execute("ALTER TABLE t SET SCHEMA other; ALTER SCHEMA other RENAME TO third; ALTER TABLE u RENAME TO v")
    until("the names are the new ones",
          lambda: names_here(freshet) == {"third.t", "public.v"})
    source.execute("INSERT INTO third.t (id) VALUES (0); INSERT INTO v (id) VALUES (0)")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)
    assert freshet.log().count("table copied") == 2


def test_tables_are_dropped_and_created_again(pair):
    source, freshet = pair
    with Writer(source, "u"):
        source.execute("DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, other text);"
                       "INSERT INTO t VALUES (1, 'new')")
        source.execute("CREATE TABLE w (id int PRIMARY KEY); INSERT INTO w VALUES (5)")
        until("both are live", lambda: [freshet.states().get(f"public.{t}") for t in "tw"] ==
              ["live", "live"] and freshet.value("SELECT count(*) FROM t") == 1)
        source.execute("INSERT INTO t VALUES (2, 'newer'); INSERT INTO w VALUES (6)")
    freshet.wait_lsn(source)
    compare.assert_equal_tables(source, freshet)
    source.execute("DROP TABLE w")
    freshet.wait_state("public.w", "failed")
    reason = freshet.value("SELECT last_error FROM freshet.tables WHERE name = 'w'")
    assert reason == "dropped on the source; the rows are as they were"
    assert freshet.value("SELECT count(*) FROM w") == 2


@pytest.mark.parametrize("how", ["ALTER TABLE t DROP CONSTRAINT t_pkey",
                                 "ALTER TABLE t REPLICA IDENTITY NOTHING",
                                 "CREATE UNIQUE INDEX i ON t (id, n); ALTER TABLE t REPLICA IDENTITY USING INDEX i;"
                                 "DROP INDEX i"])
def test_a_key_that_goes_does_not_hold_up_the_application_and_may_come_back(pair, how):
    source, freshet = pair
    source.execute(how)

    def updates_work() -> bool:
        try:
            source.execute("UPDATE t SET n = n + 1 WHERE id < 5")
            return True
        except psycopg.errors.ObjectNotInPrerequisiteState:
            return False

    until("updates work again", updates_work, seconds=10)
    source.execute("INSERT INTO t (id) VALUES (5000)")
    until("only inserts are followed", lambda: freshet.value(
        "SELECT count(*) FROM t WHERE id = 5000") == 1)
    source.execute("ALTER TABLE t REPLICA IDENTITY DEFAULT; CREATE UNIQUE INDEX IF NOT EXISTS t_new ON t (id);"
                   + ("ALTER TABLE t ADD PRIMARY KEY USING INDEX t_new" if "CONSTRAINT" in how else ""))
    until_equal(source, freshet, "t")
    source.execute("UPDATE t SET n = 77 WHERE id < 9; DELETE FROM t WHERE id > 300")
    until_equal(source, freshet, "t")
    assert freshet.states()["public.t"] == "live"


PARTITIONED = """
CREATE TABLE root (id int, region text, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE root_a PARTITION OF root FOR VALUES IN ('a');
CREATE TABLE root_b PARTITION OF root FOR VALUES IN ('b');
INSERT INTO root SELECT i, CASE i % 2 WHEN 0 THEN 'a' ELSE 'b' END, 'v' || i FROM generate_series(1, 300) i;
"""
PARTITIONS = {
    "attach": ("CREATE TABLE root_c (v text, region text NOT NULL, id int NOT NULL, PRIMARY KEY (id, region));"
               "INSERT INTO root_c SELECT 'c', 'c', i FROM generate_series(1, 50) i;"
               "ALTER TABLE root ATTACH PARTITION root_c FOR VALUES IN ('c')", True),
    "attach in the same transaction": (
        "BEGIN; CREATE TABLE root_c (LIKE root INCLUDING ALL); INSERT INTO root_c VALUES (1, 'c', 'c');"
        "ALTER TABLE root ATTACH PARTITION root_c FOR VALUES IN ('c'); COMMIT", True),
    "detach": ("ALTER TABLE root DETACH PARTITION root_b", True),
    "drop": ("DROP TABLE root_b", True),
    "truncate a leaf": ("TRUNCATE root_b", True),
    "a new one": ("CREATE TABLE root_c PARTITION OF root FOR VALUES IN ('c');"
                  "INSERT INTO root VALUES (1, 'c', 'x')", False),
    "a new level": ("BEGIN; CREATE TABLE root_c PARTITION OF root FOR VALUES IN ('c') PARTITION BY RANGE (id);"
                    "CREATE TABLE root_c1 PARTITION OF root_c DEFAULT; COMMIT;"
                    "INSERT INTO root VALUES (1, 'c', 'x')", False),
    "add a column": ("ALTER TABLE root ADD w int DEFAULT 4; INSERT INTO root VALUES (1000, 'a', 'x', 1)", False),
}


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("what", PARTITIONS)
def test_partitions(servers, what, busy):
    ddl, again = PARTITIONS[what]
    source = servers.postgres()
    source.execute(PARTITIONED)
    freshet = servers.freshet(source).start().wait_live()
    stopping = threading.Event()

    def write() -> None:
        with source.connect() as connection:
            at = 10_000
            while not stopping.is_set():
                at += 1
                connection.execute(f"INSERT INTO root (id, region, v) VALUES ({at}, 'a', 'busy')")
                connection.execute(f"UPDATE root SET v = v || '.' WHERE id % 40 = {at % 40} AND region = 'a'")

    writer = threading.Thread(target=write, daemon=True)
    if busy:
        writer.start()
    source.execute(ddl)
    if again:
        until("it is copied again", lambda: times_copied(freshet, "root") > 1)
    stopping.set()
    if busy:
        writer.join(timeout=30)
    until_equal(source, freshet, "root")
    assert (times_copied(freshet, "root") > 1) == again


def test_labels_of_enums(servers):
    source = servers.postgres()
    source.execute("CREATE TYPE mood AS ENUM ('sad', 'happy');"
                   "CREATE TABLE t (id int PRIMARY KEY, m mood, many mood[]);"
                   "INSERT INTO t VALUES (1, 'sad', '{happy,sad}'), (2, 'happy', NULL)")
    freshet = servers.freshet(source).start().wait_live()
    source.execute("ALTER TYPE mood ADD VALUE 'calm' BEFORE 'happy'")
    source.execute("INSERT INTO t VALUES (3, 'calm', '{calm}')")
    until_equal(source, freshet, "t")
    assert times_copied(freshet, "t") == 1
    source.execute("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'")
    until_equal(source, freshet, "t")
    assert times_copied(freshet, "t") == 2


def test_what_happened_while_freshet_was_away(pair):
    source, freshet = pair
    freshet.stop()
    source.execute("ALTER TABLE t ADD d int DEFAULT 3, DROP a; INSERT INTO t (id) VALUES (0);"
                   "ALTER TABLE t ADD e text; ALTER TABLE u ALTER a TYPE int USING a + 1;"
                   "CREATE TABLE w (id int PRIMARY KEY)")
    freshet.start()
    for table in ("t", "u", "w"):
        until_equal(source, freshet, table)
    assert times_copied(freshet, "t") == 1
    assert times_copied(freshet, "u") == 2


@pytest.mark.parametrize("known", [True, False])
def test_the_last_rows_of_a_column_that_has_to_be_sent_as_text(servers, known):
    """It has gone from the catalog, and so nothing asks for text, but its rows are still to be sent."""
    source = servers.postgres()
    source.execute(TABLE.format(t="t") + "; ALTER TABLE t ADD bits varbit" * known)
    freshet = servers.freshet(source).start().wait_live()
    freshet.stop()
    source.execute("ALTER TABLE t ADD bits varbit; " * (not known) +
                   "INSERT INTO t (id, bits) VALUES (0, '101'); UPDATE t SET bits = '1' WHERE id < 5")
    source.execute("ALTER TABLE t DROP bits; INSERT INTO t (id) VALUES (-1)")
    freshet.start()
    until_equal(source, freshet, "t")
    assert times_copied(freshet, "t") == (1 if known else 2)


def test_a_truncate_that_is_not_sent(servers):
    source = servers.postgres(version=10)
    source.execute(TABLE.format(t="t"))
    freshet = servers.freshet(source).start().wait_live()
    source.execute("TRUNCATE t; INSERT INTO t (id) VALUES (1)")
    until_equal(source, freshet, "t")
    assert times_copied(freshet, "t") == 2
