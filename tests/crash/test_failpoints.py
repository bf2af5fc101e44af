"""Kills at every failpoint: each fsync, rename, commit and confirm, and each step of the first copy.

The names are read from the source, so a new failpoint is tested as soon as it is there; one that no
story reaches fails its test. What is compared at the end betrays what was lost (rows), doubled
(counters, and a log without a key) or invented.
"""

import itertools
from dataclasses import dataclass

import psycopg
import pytest

from harness import compare, failpoints
from harness.failpoints import Victim

TABLES = """
CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL, note text);
CREATE TABLE log (n int, who text);
CREATE TABLE twins (a int, b text);
ALTER TABLE twins REPLICA IDENTITY FULL;
CREATE TABLE parts (id int, region text, v int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE parts_n PARTITION OF parts FOR VALUES IN ('n');
CREATE TABLE parts_s PARTITION OF parts FOR VALUES IN ('s');
INSERT INTO counters SELECT i, 0, repeat('x', i % 50) FROM generate_series(1, 500) i;
INSERT INTO twins SELECT i % 5, 'twin' FROM generate_series(1, 50) i;
INSERT INTO parts SELECT i, CASE WHEN i % 2 = 0 THEN 'n' ELSE 's' END, 0 FROM generate_series(1, 60) i;
CREATE TABLE wide (id int PRIMARY KEY, v text NOT NULL);
INSERT INTO wide VALUES (0, '');
"""

# One transaction that touches everything. {n} counts up, so a repetition would show.
ROUND = """
BEGIN;
UPDATE counters SET n = n + 1;
UPDATE counters SET id = id + 10000 * ({n} % 2 * 2 - 1) WHERE id % 100 = 7;
INSERT INTO log VALUES ({n}, 'round'), ({n}, 'round');
DELETE FROM twins WHERE ctid = (SELECT min(ctid) FROM twins);
INSERT INTO twins VALUES ({n} % 3, 'twin'), (NULL, NULL);
UPDATE parts SET v = v + 1, region = CASE region WHEN 'n' THEN 's' ELSE 'n' END WHERE id % 3 = 0;
SAVEPOINT s; DELETE FROM counters; ROLLBACK TO s;
COMMIT
"""



@dataclass
class Story:
    """One database, its mirror, and what happens to both. `kills` come at the failpoint."""

    servers: object
    server: object  # PostgreSQL
    database: str
    arms: list[str]

    def __post_init__(self):
        self.server.create_database(self.database)
        self.run(TABLES)
        self.freshet = self.servers.freshet({self.database: self.server.url(self.database)})
        self.freshet.expects_faults()
        self.victim = Victim(self.freshet, self.arms)
        self.rounds = 0

    def run(self, sql: str) -> None:
        self.server.execute(sql, self.database)

    def round(self) -> None:
        self.rounds += 1
        self.run(ROUND.format(n=self.rounds))

    def seen(self) -> None:
        """Everything committed so far is visible."""
        self.victim.wait_lsn(self.server)

    def most_of_many_die(self) -> None:
        """More rows stay than are rewritten at once, and more die than stay."""
        self.run("INSERT INTO wide SELECT i, '' FROM generate_series(1, 410000) i")
        self.seen()  # what dies in the transaction that made it is never written
        self.run("DELETE FROM wide WHERE id <= 207000")
        self.seen()

    def start(self) -> None:
        self.victim.start()
        self.victim.wait_live("public.counters", "public.log", "public.twins", "public.parts",
                              "public.wide")

    def end(self) -> None:
        self.victim.wait_killed()
        self.round()
        self.victim.wait_live()
        self.seen()
        # A place that is reached once a second may be reached now.
        self.victim.do(lambda: compare.assert_equal_tables(self.server, self.freshet,
                                                           database=self.database))
        self.freshet.stop()
        assert self.victim.kills >= 1
        self.server.execute(f"SELECT pg_drop_replication_slot('freshet_{self.database}')")
        self.server.execute(f"DROP DATABASE {self.database} WITH (FORCE)")


def life(story: Story) -> None:
    """A first copy, changes of every kind, and a source that is busy elsewhere."""
    story.start()
    for _ in range(3):
        story.round()
        story.seen()
    story.run("TRUNCATE log, twins")
    story.round()
    story.seen()
    story.run("SELECT pg_logical_emit_message(false, 'nothing', 'of ours')")
    story.seen()


def rolling(story: Story) -> None:
    """More than one file of the stream: the next is begun, and the oldest retired."""
    story.start()
    for n in (1, 2):
        story.run(f"INSERT INTO wide SELECT {n} * 100 + i, repeat('x', 1000000)"
                  " FROM generate_series(1, 70) i")
        story.round()
        story.seen()


def swelling(story: Story) -> None:
    """The engine's log grows until it is folded into its file."""
    story.start()
    for n in (1, 2, 3):
        story.run(f"INSERT INTO wide SELECT {n} * 100 + i, repeat('x', 1000000)"
                  " FROM generate_series(1, 95) i")
        story.seen()


def churning(story: Story) -> None:
    """Most rows of a segment die, so it is rewritten."""
    story.start()
    story.run("INSERT INTO wide SELECT i, '' FROM generate_series(1, 12000) i")
    for n in (1, 2, 3):
        story.run(f"UPDATE wide SET v = '{n}'")
        story.seen()


def rewriting(story: Story) -> None:
    """A rewrite too large to be done in between: it runs in the background."""
    story.start()
    story.most_of_many_die()


def redundant(story: Story) -> None:
    """Dead marks of segments that are gone pile up in the journal, until it is made anew."""
    story.start()
    story.run("INSERT INTO wide SELECT i, '' FROM generate_series(1, 130000) i")
    for n in range(5):
        story.run(f"UPDATE wide SET v = '{n}'")
        story.seen()


def outrun(story: Story) -> None:
    """A table is emptied while its segment is being rewritten in the background."""
    story.victim.arm("tidy.background.before:pause")
    story.start()
    story.most_of_many_die()
    story.victim.wait_paused("tidy.background.before")
    story.run("TRUNCATE wide")
    story.seen()
    story.victim.resume("tidy.background.before")


def lagging(story: Story) -> None:
    """A table is copied late, and so much happens meanwhile that catching up takes several pieces."""
    first, story.victim.arms = story.victim.arms, []
    story.start()
    story.freshet.stop()
    story.run("CREATE TABLE late (id int PRIMARY KEY, v text); INSERT INTO late VALUES (0, '')")
    story.victim.arms = first
    story.victim.arm("snapshot.copy.before:pause")
    story.victim.start()
    story.victim.wait_paused("snapshot.copy.before")
    story.run("INSERT INTO late SELECT i, repeat('x', 1000000) FROM generate_series(1, 40) i")
    story.seen()
    story.victim.resume("snapshot.copy.before")


def torn(story: Story) -> None:
    """The stream ends in half a record, and a file was begun that never got its name."""
    story.victim.freshet.start()
    story.victim.freshet.wait_live()
    story.round()
    story.freshet.kill()
    stream = story.freshet.data / "streams" / story.database
    newest = max(stream.glob("*.log"))
    with open(newest, "ab") as file:
        file.write(b"half a record")
    (stream / "00000000000099999999.log.new").write_bytes(b"never finished")
    story.victim.start()
    story.round()
    story.seen()


def interrupted(story: Story) -> None:
    """Killed between making the slot and recording it: the next start drops it again."""
    story.victim.arms.insert(0, "prepare.create_slot.after:kill")
    story.start()


def choosing(story: Story) -> None:
    """A table is dropped from the source and added again, by statements that are repeated when the
    server was killed before they were done."""
    story.start()

    def alter(action: str) -> None:
        try:
            story.freshet.execute(f"ALTER SOURCE {story.database} {action} TABLE log")
        except (psycopg.errors.UndefinedTable, psycopg.errors.DuplicateObject):
            assert story.victim.kills  # it was done, but for the answer

    for _ in range(4):
        story.victim.do(lambda: alter("DROP"))
        story.round()
        story.victim.do(lambda: alter("ADD"))
        story.victim.wait_live()
        story.round()


STORIES = {
    "alter_source.": choosing,
    "stream.roll.": rolling,
    "stream.retire.": rolling,
    "store.checkpoint.": swelling,
    "tidy.rewrite.": churning,
    "tidy.background.": rewriting,
    "tidy.journal.": redundant,
    "tidy.discard.": outrun,
    "catch_up.piece.": lagging,
    "stream.recover.": torn,
    "prepare.drop_slot.": interrupted,
}
# The second kill comes at this hit: while changes are followed, for places that are reached often.
LATER = {"apply.": 16, "stream.sync.": 6, "stream.write.": 6, "file.sync": 6, "receive.confirm.": 6}

database_numbers = itertools.count()


def matching(table: dict, name: str, otherwise):
    return next((value for prefix, value in table.items() if name.startswith(prefix)), otherwise)


@pytest.fixture(scope="module")
def postgres(module_servers):
    return module_servers.postgres()


@pytest.mark.long
@pytest.mark.parametrize("name", failpoints.names())
def test_a_kill_at(name, servers, postgres):
    arms = [f"{name}:kill:{hit}" for hit in (1, matching(LATER, name, 2))]
    story = Story(servers, postgres, f"life_{next(database_numbers)}", arms)
    matching(STORIES, name, life)(story)
    story.end()
