"""pgbench's TPC-B writes during the first copy and after: every read sees whole transactions, and in
the end every table is equal."""

import pytest

from harness import compare, pgbench
from harness.pgbench import InvariantReader, Writer

READS = 1000


@pytest.mark.long
@pytest.mark.parametrize("foreign_keys", [False, True], ids=["plain", "foreign_keys"])
def test_every_read_is_whole_and_the_end_is_equal(source, servers, foreign_keys):
    pgbench.initialize(source, scale=10, foreign_keys=foreign_keys)
    writer = Writer(source, clients=4)
    pgbench.wait_committed(source, 100)
    freshet = servers.freshet(source).start()
    reader = InvariantReader(freshet)
    written_before = source.value("SELECT count(*) FROM pgbench_history")
    freshet.wait_live(*pgbench.TABLES, seconds=120)
    written_during = source.value("SELECT count(*) FROM pgbench_history") - written_before
    assert written_during > 0, "nothing was written during the first copy"
    reader.wait_reads(READS)
    pgbench.wait_committed(source, 1000)
    assert writer.running, writer.output()
    writer.stop()
    freshet.wait_lsn(source)
    reads = reader.stop()
    assert reads >= READS
    assert len(reader.distinct) > 50, "the reads did not see the data move"
    compare.assert_equal_tables(source, freshet, pgbench.TABLES)
    print(f"{reads} reads, {len(reader.distinct)} different sums, "
          f"{written_during} transactions during the copy")


def test_reads_of_one_block_see_one_version(source, servers):
    pgbench.initialize(source, scale=1)
    freshet = servers.freshet(source).start().wait_live(*pgbench.TABLES)
    writer = Writer(source, clients=2)
    moved = 0
    with freshet.connect(autocommit=False) as connection:
        for _ in range(30):
            first = connection.execute("SELECT sum(abalance) FROM pgbench_accounts").fetchone()
            pgbench.wait_committed(source, 5)
            rest = connection.execute("SELECT sum(tbalance) FROM pgbench_tellers").fetchone()
            again = connection.execute("SELECT sum(abalance) FROM pgbench_accounts").fetchone()
            connection.commit()
            assert first == rest == again
            moved += connection.execute("SELECT sum(abalance) FROM pgbench_accounts").fetchone() != first
            connection.commit()
    writer.stop()
    assert moved > 0, "the data did not move between blocks"
