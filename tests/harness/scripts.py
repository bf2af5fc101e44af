"""SQL scripts with sections, each opened by a line of its own:

    -- setup          runs on the source before the first copy
    -- change         runs on the source afterwards, and arrives through replication
    -- query: name    one statement that runs on both sides; the answers must be equal

What comes before the first section says what the script is about.
"""

import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

_SECTION = re.compile(r"^-- (setup|change|query)(?:: *(.+?))? *$", re.M)


@dataclass(frozen=True)
class Section:
    kind: str
    name: str
    sql: str
    line: int


@dataclass(frozen=True)
class Script:
    path: Path
    sections: tuple[Section, ...]

    @property
    def setup(self) -> str:
        return "\n".join(section.sql for section in self.sections if section.kind == "setup")

    @property
    def rest(self) -> list[Section]:
        return [section for section in self.sections if section.kind != "setup"]


def read(path: Path) -> Script:
    text = path.read_text()
    marks = list(_SECTION.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    sections = tuple(Section(mark[1], mark[2] or "", text[mark.end():end].strip(),
                             text.count("\n", 0, mark.start()) + 1)
                     for mark, end in zip(marks, ends))
    assert sections, f"{path}: no section"
    for section in sections:
        assert section.sql, f"{path}:{section.line}: an empty section"
        assert section.kind != "query" or section.name, f"{path}:{section.line}: name the query"
    names = [section.name for section in sections if section.kind == "query"]
    assert len(names) == len(set(names)), f"{path}: two queries of the same name"
    return Script(path, sections)


def run(url: str, sql: str) -> None:
    """Runs statements as psql does: each in a transaction of its own, stopping at an error."""
    done = subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-f", "-", url], text=True,
                          input=sql, capture_output=True)
    assert done.returncode == 0, f"{done.stderr}\n{sql}"


def is_ordered(sql: str) -> bool:
    """True when the statement itself, not a part in parentheses, has ORDER BY."""
    flat = re.sub(r"'(?:[^']|'')*'", "''", sql)
    while (inner := re.sub(r"\([^()]*\)", "", flat)) != flat:
        flat = inner
    return re.search(r"\border\s+by\b", flat, re.I) is not None


@dataclass(frozen=True)
class Difference:
    """An allowed one; its reason is for people."""
    reason: str
    ours: tuple[tuple[str | None, ...], ...] | None  # what Freshet answers instead, if it matters


def allowed(path: Path) -> dict[tuple[str, str], Difference]:
    """By script and query, from the one file that lists them."""
    listed = tomllib.loads(path.read_text()).get("difference", [])
    found = {}
    for entry in listed:
        assert entry["reason"], f"{path}: a difference without a reason"
        ours = tuple(tuple(row) for row in entry["ours"]) if "ours" in entry else None
        found[(entry["script"], entry["query"])] = Difference(entry["reason"], ours)
    return found
