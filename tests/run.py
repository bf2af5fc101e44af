"""Runs the tests in stages and adds them up; the last line is `N passed, N failed`.

    tests/run.py [STAGE…]        tidy build unit e2e asan tsan; all of them without a name

Every stage is one command that leaves JUnit files behind. Nothing may hide a failure: a stage that
crashes, runs out of time, leaves no result or finds no test counts as failed, and so does a skipped
test, because it proves nothing.
"""

import dataclasses
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build" / "test-results"
JOBS = os.environ.get("JOBS") or str(os.cpu_count() or 2)

# Modules whose tests run again under a sanitizer: those that parse foreign bytes, and those with
# threads of their own. The engine's library is not instrumented, so ThreadSanitizer cannot see into
# what uses it; and two cores have no time for more than what is most exposed.
ASAN_MODULES = ["base", "model", "source", "snapshot", "stream", "decode"]
TSAN_MODULES = ["base", "observe", "stream"]


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    failures: list = dataclasses.field(default_factory=list)

    def fail(self, what):
        self.failed += 1
        self.failures.append(what)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.failures += other.failures


def read_junit(path):
    """Counts the test cases of one file, as pytest, ctest and GoogleTest write them."""
    tally = Tally()
    try:
        tree = xml.etree.ElementTree.parse(path)
    except (OSError, xml.etree.ElementTree.ParseError) as problem:
        tally.fail(f"{path.name}: no readable result: {problem}")
        return tally
    for case in tree.iter("testcase"):
        name = ".".join(filter(None, [case.get("classname"), case.get("name")]))
        skipped = case.find("skipped") is not None or case.get("status") in ("notrun", "disabled")
        if case.find("failure") is not None or case.find("error") is not None:
            tally.fail(name)
        elif skipped:
            tally.fail(f"{name} (skipped)")
        else:
            tally.passed += 1
    return tally


def read_ctest(programs, details):
    """Counts cases: each test program's own file, and what only ctest saw (crash, time limit)."""
    tally = Tally()
    for case in read_programs(programs, tally):
        name = case.get("name")
        detail = details / f"{name}_test.xml"
        inner = read_junit(detail) if detail.exists() else Tally()
        went_well = case.get("status") == "run" and case.find("failure") is None
        if not inner.passed and not inner.failed and went_well:
            tally.passed += 1  # a test that is not a GoogleTest program
        tally.add(inner)
        if not went_well and not inner.failed:
            tally.fail(f"{name}: the program crashed, ran out of time or could not start")
    return tally


def read_programs(path, tally):
    try:
        return list(xml.etree.ElementTree.parse(path).iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError) as problem:
        tally.fail(f"{path.name}: no readable result: {problem}")
        return []


def run(command, minutes, **environment):
    """The exit code; None when the time was over. The command's own output goes through."""
    print("+", " ".join(map(str, command)), flush=True)
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, start_new_session=True
    )
    try:
        return process.wait(timeout=minutes * 60)
    except subprocess.TimeoutExpired:
        # SIGTERM first, so that tests can stop the servers they started.
        for kind in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, kind)
                process.wait(timeout=20)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
        return None


def configure(preset):
    command = ["cmake", "--preset", preset]
    if shutil.which("ccache"):
        command.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
    if os.environ.get("DUCKDB_ROOT"):
        command.append("-DDUCKDB_ROOT=" + os.environ["DUCKDB_ROOT"])
    return run(command, minutes=5)


def build(preset, targets):
    if configure(preset) != 0:
        return False
    command = ["cmake", "--build", f"build/{preset}", "-j", JOBS]
    return run(command + (["--target", *targets] if targets else []), minutes=40) == 0


def stage_build(_folder):
    tally = Tally()
    if build("release", []):
        tally.passed += 1
    else:
        tally.fail("the release build")
    return tally


def ctest(preset, folder, modules=None):
    details = folder / "programs"
    details.mkdir(parents=True, exist_ok=True)
    programs = folder / "ctest.xml"
    command = ["ctest", "--test-dir", f"build/{preset}", "--output-on-failure", "-j", "2"]
    command += ["--no-tests=error", "--timeout", "600", "--output-junit", str(programs)]
    if modules:
        command += ["-R", "^(" + "|".join(modules) + ")$"]
    code = run(command, minutes=25, GTEST_OUTPUT=f"xml:{details}/", GTEST_COLOR="no")
    tally = read_ctest(programs, details)
    note_exit(tally, code, "ctest")
    return tally


def stage_unit(folder):
    return ctest("release", folder)


def sanitized(preset, folder, modules):
    modules = [name for name in modules if list((ROOT / "src" / name).glob("*_test.cc"))]
    if not build(preset, [name + "_test" for name in modules]):
        tally = Tally()
        tally.fail(f"the {preset} build")
        return tally
    return ctest(preset, folder, modules)


def stage_asan(folder):
    return sanitized("asan", folder, ASAN_MODULES)


def stage_tsan(folder):
    return sanitized("tsan", folder, TSAN_MODULES)


def pytest(folder, paths, minutes, workers):
    junit = folder / "pytest.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-o", "junit_family=xunit2", f"--junitxml={junit}", *paths]
    command += ["-n", str(workers)] if workers > 1 else []
    code = run(command, minutes, PYTHONDONTWRITEBYTECODE="1")
    tally = read_junit(junit)
    note_exit(tally, code, "pytest")
    return tally


def stage_tidy(folder):
    return pytest(folder, ["tests/tidy"], minutes=5, workers=1)


def stage_e2e(folder):
    paths = ["tests/harness", "tests/sql", "tests/types", "tests/e2e", "tests/crash", "tests/oracle"]
    # The random oracle makes one round that nobody has seen before.
    seed = os.environ.setdefault("FRESHET_SEED", str(random.SystemRandom().randrange(10**6)))
    print(f"the oracle's fresh seed: FRESHET_SEED={seed}", flush=True)
    return pytest(folder, paths, minutes=35, workers=2)


def note_exit(tally, code, what):
    """A bad end that no test case tells of is a failure of its own."""
    if code is None:
        tally.fail(f"{what} ran out of time")
    elif code != 0 and not tally.failed:
        tally.fail(f"{what} ended with exit code {code}")
    elif not tally.passed and not tally.failed:
        tally.fail(f"{what} found no tests")


STAGES = {
    "tidy": stage_tidy,
    "build": stage_build,
    "unit": stage_unit,
    "e2e": stage_e2e,
    "asan": stage_asan,
    "tsan": stage_tsan,
}


def run_stage(name):
    folder = RESULTS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        return STAGES[name](folder)
    except Exception as problem:  # whatever it was, it must show in the sum
        tally = Tally()
        tally.fail(f"{name}: {type(problem).__name__}: {problem}")
        return tally


def main(names):
    unknown = [name for name in names if name not in STAGES]
    if unknown:
        print(f"no such stage: {', '.join(unknown)}; there are {', '.join(STAGES)}")
        print("0 passed, 1 failed")
        return 1
    total, lines = Tally(), []
    for name in names or STAGES:
        print(f"\n== {name}", flush=True)
        started = time.monotonic()
        tally = run_stage(name)
        seconds = time.monotonic() - started
        lines.append(f"{name:<8} {tally.passed:>6} passed {tally.failed:>4} failed {seconds:>7.0f} s")
        total.add(tally)
        if name == "build" and tally.failed:
            break  # everything after it would only repeat the failure
    print("\n" + "\n".join(lines))
    for failure in total.failures:
        print("failed:", failure)
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
