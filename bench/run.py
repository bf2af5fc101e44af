#!/usr/bin/python3
"""Measures the end-to-end figures; see README.md.

    run.py [--quick] [--json FILE] [NAME …]    catch_up, freshness, copy, copy_under_load,
                                               copy_and_scan, throughput, transformations; all when
                                               none is named
"""

import argparse
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

import catch_up  # noqa: E402
import copy_and_scan  # noqa: E402
import copy_under_load  # noqa: E402
import first_copy  # noqa: E402
import freshness  # noqa: E402
import report  # noqa: E402
import throughput  # noqa: E402
import transformations  # noqa: E402
from harness import freshet, postgres  # noqa: E402

FULL = {
    "catch_up": lambda: catch_up.measure(size=2_000_000, rounds=3),
    "freshness": lambda: freshness.measure(samples=1000, rounds=3),
    "copy": lambda: first_copy.measure(rows=5_000_000, rounds=3),
    "copy_under_load": lambda: copy_under_load.measure(rows=5_000_000, rounds=2),
    "copy_and_scan": lambda: copy_and_scan.measure(rows=5_000_000, repeats=11),
    "throughput": lambda: throughput.measure(seconds=20, rounds=3),
    "transformations": lambda: transformations.measure(size=1_000_000, rounds=3),
}
QUICK = {
    "catch_up": lambda: catch_up.measure(size=200_000, rounds=1),
    "freshness": lambda: freshness.measure(samples=200, rounds=1),
    "copy": lambda: first_copy.measure(rows=500_000, rounds=1),
    "copy_under_load": lambda: copy_under_load.measure(rows=500_000, rounds=1),
    "copy_and_scan": lambda: copy_and_scan.measure(rows=500_000, repeats=5),
    "throughput": lambda: throughput.measure(seconds=5, rounds=1),
    "transformations": lambda: transformations.measure(size=200_000, rounds=1),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, one round")
    parser.add_argument("names", nargs="*", metavar="NAME", help="some of: " + ", ".join(FULL))
    parser.add_argument("--only", default=",".join(FULL), help="the same, with commas")
    parser.add_argument("--json", type=Path, default=HERE.parent / "build" / "bench.json")
    arguments = parser.parse_args()
    wanted = arguments.names or arguments.only.split(",")
    if unknown := set(wanted) - set(FULL):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(FULL)}")
    about = {
        "machine": report.machine(), "quick": arguments.quick,
        "versions": {
            "freshet": report.first_line([freshet.BINARY, "--version"]),
            "postgresql": report.first_line([postgres.bin_folder() / "postgres", "--version"])}}
    print(describe(about), flush=True)
    figures, broken = [], []
    for name in wanted:
        began = time.monotonic()
        print(f"\n{name}", flush=True)
        try:
            figures += (QUICK if arguments.quick else FULL)[name]()
        except Exception:  # the other figures are still worth having
            traceback.print_exc()
            broken.append(name)
        print(f"  took {time.monotonic() - began:.0f} s", flush=True)
    about["broken"] = broken
    report.write_json(arguments.json, about, figures)
    print(f"\n{describe(about)}\n\n{report.table(figures)}\n\nwritten to {arguments.json}")
    if broken:
        print(f"broken: {', '.join(broken)}")
    return 1 if broken else 0


def describe(about: dict) -> str:
    machine = about["machine"]
    return (f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB,"
            f" Linux {machine['kernel']}; {about['versions']['freshet']},"
            f" {about['versions']['postgresql']}" + (" (quick)" if about["quick"] else ""))


if __name__ == "__main__":
    sys.exit(main())
