"""`freshet doctor` as a program sees it: run with --json, asked by check."""

import json
import subprocess
from dataclasses import dataclass

from harness.freshet import BINARY

_RANKS = ["fine", "info", "warning", "blocking"]


@dataclass
class Diagnosis:
    exit_code: int
    report: dict

    def of(self, check: str) -> list[dict]:
        found = [finding for finding in self.report["findings"] if finding["check"] == check]
        assert found, f"the doctor did not look at {check}"
        return found

    def severity(self, check: str) -> str:
        """The worst of a check."""
        return max((finding["severity"] for finding in self.of(check)), key=_RANKS.index)

    def said(self, check: str) -> str:
        """Everything a check said, for looking for words in it."""
        return "\n".join(" ".join(finding[key] for key in ("message", "detail", "fix"))
                         for finding in self.of(check))

    def fires(self, check: str, severity: str, *words: str) -> None:
        """Asserts that a check found something of this severity, and which words it used."""
        assert self.severity(check) == severity, self.of(check)
        for word in words:
            assert word in self.said(check), f"no {word!r} in:\n{self.said(check)}"

    def rests(self, check: str) -> None:
        """Asserts that a check found nothing to do."""
        assert self.severity(check) in ("fine", "info"), self.of(check)


def run(url: str, *options: str, environment=None) -> subprocess.CompletedProcess:
    return subprocess.run([BINARY, "doctor", url, *options], capture_output=True, text=True,
                          timeout=60, env=environment, check=False)


def examine(url: str, *options: str) -> Diagnosis:
    done = run(url, "--json", *options)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["exit_code"] == done.returncode
    return Diagnosis(done.returncode, report)
