"""The counting behind `make test` hides nothing."""

import importlib.util
import pathlib

import pytest

PATH = pathlib.Path(__file__).resolve().parents[1] / "run.py"
spec = importlib.util.spec_from_file_location("test_runner", PATH)
runner = importlib.util.module_from_spec(spec)
spec.loader.exec_module(runner)

GOOD = '<testcase classname="A" name="Works" status="run" result="completed"/>'
BAD = '<testcase classname="A" name="Breaks" status="run"><failure message="no"/></testcase>'
SKIPPED = '<testcase classname="A" name="Sleeps"><skipped/></testcase>'


def junit(path, *cases):
    path.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    return path


def counts(tally):
    return tally.passed, tally.failed


def test_cases_are_counted(tmp_path):
    tally = runner.read_junit(junit(tmp_path / "a.xml", GOOD, BAD, GOOD))
    assert counts(tally) == (2, 1) and tally.failures == ["A.Breaks"]


def test_a_skipped_case_is_a_failure(tmp_path):
    assert counts(runner.read_junit(junit(tmp_path / "a.xml", SKIPPED))) == (0, 1)


@pytest.mark.parametrize("text", ["", "<testsuites><testsuite>"])
def test_a_torn_result_is_a_failure(tmp_path, text):
    (tmp_path / "a.xml").write_text(text)
    assert counts(runner.read_junit(tmp_path / "a.xml")) == (0, 1)


def test_a_missing_result_is_a_failure(tmp_path):
    assert counts(runner.read_junit(tmp_path / "a.xml")) == (0, 1)


PROGRAM_RAN = '<testcase name="base" classname="base" status="run"/>'
PROGRAM_DIED = '<testcase name="base" classname="base" status="fail"><failure message="SEGV"/></testcase>'


def test_cases_of_a_program_are_counted_not_the_program(tmp_path):
    junit(tmp_path / "base_test.xml", GOOD, GOOD)
    assert counts(runner.read_ctest(junit(tmp_path / "c.xml", PROGRAM_RAN), tmp_path)) == (2, 0)


def test_a_failed_case_is_counted_once(tmp_path):
    junit(tmp_path / "base_test.xml", GOOD, BAD)
    assert counts(runner.read_ctest(junit(tmp_path / "c.xml", PROGRAM_DIED), tmp_path)) == (1, 1)


def test_a_crashed_program_is_a_failure(tmp_path):
    assert counts(runner.read_ctest(junit(tmp_path / "c.xml", PROGRAM_DIED), tmp_path)) == (0, 1)


def test_a_bad_exit_without_a_failed_case_is_a_failure():
    tally = runner.Tally(passed=3)
    runner.note_exit(tally, 1, "pytest")
    assert counts(tally) == (3, 1)


def test_no_tests_at_all_is_a_failure():
    tally = runner.Tally()
    runner.note_exit(tally, 0, "pytest")
    assert counts(tally) == (0, 1)


def test_a_stage_that_throws_is_a_failure(monkeypatch, tmp_path):
    def broken(_folder):
        raise OSError("disk full")

    monkeypatch.setattr(runner, "RESULTS", tmp_path)
    monkeypatch.setitem(runner.STAGES, "broken", broken)
    assert counts(runner.run_stage("broken")) == (0, 1)


def test_time_over_is_a_failure():
    tally = runner.Tally(passed=3)
    runner.note_exit(tally, runner.run(["sleep", "30"], minutes=0.005), "it")
    assert counts(tally) == (3, 1)


def test_the_summary_is_the_last_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(runner, "RESULTS", tmp_path)
    monkeypatch.setitem(runner.STAGES, "fine", lambda _folder: runner.Tally(passed=2))
    monkeypatch.setitem(runner.STAGES, "bad", lambda _folder: runner.Tally(1, 1, ["x"]))
    assert runner.main(["fine"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 passed, 0 failed"
    assert runner.main(["fine", "bad"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "3 passed, 1 failed"
