"""The random oracle in a few minutes: fixed seeds, and those that FRESHET_SEED names; tests/run.py names
one that is new in each run.

A failing seed is printed with its plan: repeat it with `make soak SEED=…`, and keep it in seeds.toml.
"""

import os
import tomllib
from pathlib import Path

import pytest

from oracle.plan import make_plan
from oracle.round import Round

FIXED = [1, 2, 4]
KEPT = [entry["seed"] for entry in tomllib.loads(
    Path(__file__).with_name("seeds.toml").read_text()).get("seed", [])]
FRESH = [int(seed) for seed in os.environ.get("FRESHET_SEED", "").split()]


@pytest.mark.long
@pytest.mark.parametrize("seed", [*FIXED, *KEPT, *FRESH])
def test_a_round_ends_equal(seed, servers):
    plan = make_plan(seed)
    print(plan)  # with its seed
    the_round = Round(servers, servers.postgres(fsync=True, max_prepared_transactions=20), plan)
    try:
        print("equal after", the_round.run())
    except BaseException:
        print(the_round.story())
        raise
