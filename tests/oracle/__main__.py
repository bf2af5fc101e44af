"""The oracle at length: rounds with the seeds N, N + 1, … until the time is over or one fails.

    /usr/bin/python3 -m oracle --seed N --minutes M
"""

import argparse
import random
import sys
import time

from harness.servers import Servers
from oracle.plan import make_plan
from oracle.round import Round


def main() -> int:
    parser = argparse.ArgumentParser(prog="oracle")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--minutes", type=float, default=10)
    arguments = parser.parse_args()
    end = time.monotonic() + arguments.minutes * 60
    rounds = 0
    while time.monotonic() < end:
        if not run(arguments.seed + rounds):
            return 1
        rounds += 1
    print(f"{rounds} rounds, seeds {arguments.seed} to {arguments.seed + rounds - 1}: all equal")
    return 0


def run(seed: int) -> bool:
    """One round on servers of its own; False when it failed."""
    plan = make_plan(seed)
    print(plan, flush=True)
    servers = Servers()
    try:
        the_round = Round(servers, servers.postgres(fsync=True, max_prepared_transactions=20), plan)
        try:
            print("  equal after", the_round.run(), flush=True)
            servers.close(check=True)
            return True
        except BaseException:
            print(the_round.story())
            print("---- the end of Freshet's log\n" + the_round.freshet.log()[-6000:])
            raise
    except Exception as problem:
        print(f"{type(problem).__name__}: {problem}")
        print(f"FAILED; again: make soak SEED={seed} MINUTES=0.1")
        return False
    finally:
        servers.close(check=False)


if __name__ == "__main__":
    sys.exit(main())
