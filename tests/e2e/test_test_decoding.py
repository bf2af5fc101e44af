"""Followed through test_decoding, as servers before 10 are. Here by newer servers, which have it too."""

import pytest

from harness import compare
from harness.every_type import CHANGES, LIVE, TABLES

SETTING = 'protocol = "test_decoding"'


def through_lines(servers, source, of_source: str = ""):
    """Not started yet."""
    return servers.freshet(source).configure(source.url(), f"{SETTING}\n{of_source}")


def left_on(source) -> list[tuple]:
    return source.execute("SELECT slot_name, plugin FROM pg_replication_slots UNION ALL"
                          " SELECT pubname, 'publication' FROM pg_publication ORDER BY 1")


def test_copies_then_follows_every_kind_of_change(source, servers):
    source.execute(TABLES)
    freshet = through_lines(servers, source).start().wait_live(*LIVE)
    assert left_on(source) == [("freshet_main", "test_decoding")]
    compare.assert_equal_tables(source, freshet)
    for change in CHANGES:
        source.execute(change)
        freshet.wait_lsn(source)
        compare.assert_equal_tables(source, freshet)
