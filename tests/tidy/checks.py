"""The style of the repository as code. Each check takes a Tree and yields violations as text:

    file:line: what is wrong; what to do instead

The rules and their reasons are in docs/style.md; the module table is in ARCHITECTURE.md.
"""

import functools
import os
import pathlib
import re
import shutil
import subprocess

from cpp import blank_comments_and_strings, functions

SKIPPED_FOLDERS = {".git", "build", "node_modules", "__pycache__", ".pytest_cache", "freshet-data"}
TEXT_SUFFIXES = {".h", ".cc", ".py", ".sh", ".md", ".json", ".toml", ".cmake", ".txt", ".sql", ".js"}
TEXT_SUFFIXES |= {".yml", ".yaml", ".test", ".inc"}
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70


class Tree:
    """The files of a repository, read once."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.files = {}
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(set(folders) - SKIPPED_FOLDERS)
            for name in sorted(names):
                path = pathlib.Path(folder, name)
                if path.suffix in TEXT_SUFFIXES or path.name in ("Makefile", "run"):
                    relative = path.relative_to(self.root).as_posix()
                    self.files[relative] = path.read_text(encoding="utf-8", errors="replace")

    def matching(self, *suffixes, under=""):
        for name, text in self.files.items():
            if name.endswith(suffixes) and name.startswith(under):
                yield name, text

    def is_test(self, name):
        """Tests, benches, fuzz targets, and the headers that only these may include."""
        return name.endswith(("_test.cc", "_bench.cc", "_fuzz.cc")) or name in self.test_headers

    @functools.cached_property
    def test_headers(self):
        """Headers that know GoogleTest, or include one that does."""
        headers = dict(self.matching(".h", under="src/"))
        found = {name for name, text in headers.items() if "#include <gtest/" in text}
        while True:
            more = {
                name
                for name, text in headers.items()
                if any(f'#include "{test.removeprefix("src/")}"' in text for test in found)
            }
            if more <= found:
                return found
            found |= more

    def modules(self):
        return sorted(
            name.split("/")[1]
            for name in self.files
            if re.fullmatch(r"src/[a-z_]+/CMakeLists\.txt", name)
        )


def numbered(text):
    return enumerate(text.split("\n"), start=1)


# --- modules ---------------------------------------------------------------------------------------


def declared_deps(tree, module):
    """The DEPS of freshet_module() in the module's CMakeLists.txt."""
    text = tree.files.get(f"src/{module}/CMakeLists.txt", "")
    call = re.search(r"freshet_module\(([^)]*)\)", text)
    words = call.group(1).split() if call else []
    deps, taking = set(), False
    for word in words[1:]:
        if word in ("DEPS", "LINK"):
            taking = word == "DEPS"
        elif taking:
            deps.add(word)
    return deps


def allowed_by_table(tree):
    """Module → what ARCHITECTURE.md lets it include. Rows: | 4 | `postgres` | … | base model |"""
    rows = {}
    for line in tree.files.get("ARCHITECTURE.md", "").split("\n"):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 4 and re.fullmatch(r"`[a-z_]+`", cells[1]):
            rows[cells[1].strip("`")] = cells[3]
    every = set(rows) - {"testing"}
    table = {}
    for module, may in rows.items():
        if may.startswith("everything but "):
            table[module] = every - {module} - set(may.removeprefix("everything but ").split())
        elif may.startswith("everything"):
            table[module] = every - {module}
        else:
            table[module] = set(may.replace("–", "").split())
    return table


def check_module_table(tree):
    table = allowed_by_table(tree)
    if not table:
        yield "ARCHITECTURE.md:1: has no table of modules; one row per folder of src/"
        return
    for module in tree.modules():
        if module not in table:
            yield f"ARCHITECTURE.md:1: the table lacks module {module}; add its row"
            continue
        declared = declared_deps(tree, module)
        where = f"src/{module}/CMakeLists.txt:1"
        for extra in sorted(declared - table[module]):
            yield f"{where}: depends on {extra}, which its row in ARCHITECTURE.md does not allow; invert the dependency"
        if module not in ("server", "cli", "testing"):
            for missing in sorted(table[module] - declared):
                yield f"{where}: does not depend on {missing}, which ARCHITECTURE.md names; make the two agree"
    for module in sorted(set(table) - set(tree.modules())):
        yield f"ARCHITECTURE.md:1: the table names {module}, which is no folder of src/; remove the row"


def check_includes(tree):
    modules = set(tree.modules())
    for name, text in tree.matching(".h", ".cc", under="src/"):
        own = name.split("/")[1]
        allowed = declared_deps(tree, own) | {own} | ({"testing"} if tree.is_test(name) else set())
        for number, line in numbered(text):
            match = re.match(r'\s*#include "([^"]+)"', line)
            if not match:
                continue
            included = match.group(1)
            module = included.split("/")[0]
            where = f"{name}:{number}"
            if "/" in included and f"src/{included}" not in tree.files:
                yield f'{where}: "{included}" does not exist; include by path from src/'
            elif f"src/{included}" in tree.test_headers and not tree.is_test(name):
                yield f"{where}: includes {included}, which is for tests; split what both need"
            elif module in modules and module not in allowed:
                yield f"{where}: {own} may not include {module}; let the two meet in server/, or move the word to model/"


# Foreign headers → where they may be included. Their cost and their words stay behind one seam.
FOREIGN = [
    (r"duckdb(\.h|\.hpp|/)", r"src/engine/[^/]+\.cc", "go through engine/"),
    (r"(libpq-fe|libpq/|postgres_ext|pg_config)", r"src/postgres/[^/]+\.(h|cc)", "go through postgres/connection.h"),
    (r"spdlog/|prometheus/", r"src/observe/[^/]+\.cc", "go through observe/"),
    (r"toml\+\+/|toml\.hpp", r"src/server/[^/]+\.cc", "parse configuration in server/config.cc"),
    (r"CLI/", r"src/cli/[^/]+\.cc", "parse the command line in cli/"),
    (r"(nlohmann/|boost/json)", r"src/((decode|http|server|cli)/[^/]+\.cc|transform/sql_tree\.h)",
     "keep JSON in decode, http, configuration and the parse trees of transform"),
    (r"simdjson", r"src/(decode/[^/]+|postgres/utf8)\.cc", "keep JSON in decode; postgres/utf8.h tells what is text"),
    (r"boost/(asio|beast)", r"src/(pgwire|http|server)/.*", "sockets live in pgwire and http"),
    (r"(gtest|gmock)/", r"src/.*(_test\.cc|\.h)|src/testing/.*", "tests only"),
    (r"benchmark/", r"src/.*_bench\.cc", "benchmarks only"),
]


def check_foreign_headers(tree):
    for name, text in tree.matching(".h", ".cc", under="src/"):
        for number, line in numbered(text):
            match = re.match(r'\s*#include [<"]([^>"]+)[>"]', line)
            for header, where, instead in FOREIGN if match else []:
                if re.match(header, match.group(1)) and not re.fullmatch(where, name):
                    yield f"{name}:{number}: includes {match.group(1)}; {instead}"


# --- files -----------------------------------------------------------------------------------------


def check_headers(tree):
    for name, text in tree.matching(".h", under="src/"):
        if not text.startswith("//"):
            yield f"{name}:1: has no opening comment; say why the file exists, its invariant or its format"
        if not re.search(r"^#pragma once$", text, re.M):
            yield f"{name}:1: lacks #pragma once; add it below the opening comment"
        for number, line in numbered(blank_comments_and_strings(text)):
            if re.match(r"\s*using namespace\b", line):
                yield f"{name}:{number}: using namespace in a header; write the names out"


def check_file_length(tree):
    for name, text in tree.matching(".h", ".cc", ".py", ".sh"):
        lines = text.count("\n")
        if lines > FILE_LINES_MAX:
            yield f"{name}:{FILE_LINES_MAX}: {lines} lines, at most {FILE_LINES_MAX}; find the second subject and split"


def check_function_length(tree):
    for name, text in tree.matching(".h", ".cc", under="src/"):
        for function, first, last in functions(text):
            lines = last - first + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{name}:{first}: {function} has {lines} lines, at most {FUNCTION_LINES_MAX}; keep the control flow, move the leaves below"


BANNED_FOLDERS = {"util", "utils", "common", "helper", "helpers", "misc"}


def check_names(tree):
    for name in tree.files:
        *folders, file = name.split("/")
        for folder in folders:
            if folder in BANNED_FOLDERS:
                yield f"{name}:1: a folder called {folder}; name it after what is in it"
        if name.startswith("src/") and file.endswith((".h", ".cc")):
            if not re.fullmatch(r"[a-z0-9_]+\.(h|cc)", file):
                yield f"{name}:1: file names are snake_case; rename"
            if file.rsplit(".", 1)[0] in BANNED_FOLDERS:
                yield f"{name}:1: a file called {file}; name it after what is in it"


# --- words -----------------------------------------------------------------------------------------

# In C++ code, comments and strings blanked.
BANNED_CODE = [
    (r"\bsleep_(for|until)\b|(?<![:\w.>])u?sleep\(", "sleeps; wait on a stop token, a position or a queue"),
    (r"\.detach\(\)", "detaches a thread; own it as a std::jthread, the last member"),
    (r"\bstd::thread\b(?!::)", "a naked std::thread; use std::jthread and a stop token"),
    (r"\bGTEST_SKIP\b", "skips a test; make what it needs, or remove it"),
    (r"\bDISABLED_", "a disabled test; mend it or remove it"),
    (r"\bstd::(endl)\b", "flushes by accident; write '\\n'"),
    (r"\bsystem\(", "runs a shell; start the program by its path and arguments"),
]
# What a crash may come right before or after: the tests kill the server there (base/failpoint.h).
CRASHES_MATTER = r"[.>]sync\(\)|\bsync_(folder|file)\(\w|\bfs::(rename|remove)\(|[.>]commit\(\)|[.>]confirm\(\w"
FAILPOINT_LINES = 4
# In every text; spelled in two halves so that this file does not accuse itself.
BANNED_TEXT = [
    (r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b", "a mark of unfinished work; finish it or open an issue"),
    (r"(?<![\w.])/wo" + r"rk/", "a path of one machine; make it relative or an option"),
    (r"(?<![\w.])/tm" + r"p/(?![\w-]*must[-_]not)\w", "a path in the temporary folder; ask for a new one (mkdtemp, tmp_path)"),
    (r"(?<![\w.])/ro" + r"ot/", "a path of one machine; make it relative or an option"),
    (r"\bregis" + r"try\.[a-z0-9-]+\.[a-z]|\bpy" + r"pi\.(org|python)|arti" + r"factory", "the host of a package registry; the client's own configuration names it"),
]


def check_banned_code(tree):
    for name, text in tree.matching(".h", ".cc"):
        for number, line in numbered(blank_comments_and_strings(text)):
            for pattern, instead in BANNED_CODE:
                if re.search(pattern, line):
                    yield f"{name}:{number}: {instead}"


def check_failpoints(tree):
    seen = {}
    for name, text in tree.matching(".cc", under="src/"):
        # base/file.cc is the system calls themselves. Scratch servers keep nothing that matters, and
        # a spool nothing that the source would not send again.
        if tree.is_test(name) or name in ("src/base/file.cc", "src/source/spool.cc") or "scratch_" in name:
            continue
        lines = text.split("\n")
        for number, line in numbered(blank_comments_and_strings(text)):
            around = "".join(lines[max(0, number - 1 - FAILPOINT_LINES):number + FAILPOINT_LINES])
            if re.search(CRASHES_MATTER, line) and "FAILPOINT(" not in around:
                yield f"{name}:{number}: syncs, renames, removes, commits or confirms without a FAILPOINT beside it"
        for number, line in numbered(text):
            for failpoint in re.findall(r'\bFAILPOINT\("([^"]*)"\)', line):
                if failpoint in seen:
                    yield f"{name}:{number}: {failpoint} is the name of a failpoint in {seen[failpoint]}; give each its own"
                if not re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", failpoint):
                    yield f"{name}:{number}: {failpoint}: failpoints are named part.step or part.step.moment"
                seen[failpoint] = f"{name}:{number}"


def check_banned_text(tree):
    for name, text in tree.files.items():
        for number, line in numbered(text):
            for pattern, instead in BANNED_TEXT:
                if re.search(pattern, line):
                    yield f"{name}:{number}: {instead}"


def check_lock_files(tree):
    for name, text in tree.files.items():
        if name.endswith("package-lock.json"):
            for number, line in numbered(text):
                if '"resolved"' in line:
                    yield f"{name}:{number}: names where a package came from; npm install --package-lock-only --omit-lockfile-registry-resolved"


# --- formatting and documents ------------------------------------------------------------------------


def check_format(tree):
    formatter = shutil.which("clang-format-14")
    if not formatter:
        yield ".clang-format:1: clang-format-14 is missing; make deps"
        return
    names = [name for name, _ in tree.matching(".h", ".cc")]
    if not names:
        return
    result = subprocess.run(
        [formatter, "--dry-run", "-ferror-limit=1", "-Werror", *names],
        cwd=tree.root, capture_output=True, text=True, check=False,
    )
    for line in result.stderr.split("\n"):
        match = re.match(r"(\S+?):(\d+):\d+: (error|warning)", line)
        if match:
            yield f"{match.group(1)}:{match.group(2)}: is not formatted; make format"


def outside_fences(text):
    fenced = False
    for number, line in numbered(text):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def check_markdown(tree):
    for name, text in tree.matching(".md"):
        titles = [number for number, line in outside_fences(text) if re.match(r"# \S", line)]
        if titles != [1]:
            yield f"{name}:{titles[1] if len(titles) > 1 else 1}: a document has exactly one `# Title`, in its first line"
        for number, line in outside_fences(text):
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                if "://" in target or target.startswith("mailto:"):
                    continue
                if not ((tree.root / name).parent / target).exists():
                    yield f"{name}:{number}: links to {target}, which is not there; mend the link"


def check_decisions(tree):
    for name, _ in tree.matching(".md", under="docs/decisions/"):
        if not re.fullmatch(r"docs/decisions/(README|\d{4}-\d\d-\d\d-[a-z0-9-]+)\.md", name):
            yield f"{name}:1: decisions are named by date and title: 2026-01-31-title.md"


def check_named_tests(tree):
    """Tests that a document names exist, so that a promise keeps its proof."""
    known = set()
    for _, text in tree.matching(".py", under="tests/"):
        known.update(re.findall(r"^def (test_\w+)", text, re.M))
    for _, text in tree.matching("_test.cc", under="src/"):
        known.update(f"{suite}.{case}" for suite, case in re.findall(r"^TEST(?:_[FP])?\((\w+),\s*(\w+)\)", text, re.M))
    for name, text in tree.matching(".md", under="docs/"):
        for number, line in outside_fences(text):
            for test in re.findall(r"`(test_\w+|[A-Z]\w+\.[A-Z]\w+|tests/[\w/.]+)`", line):
                is_plugin = test == "test_decoding"  # of PostgreSQL's
                if test not in known and not is_plugin and not (tree.root / test).exists():
                    yield f"{name}:{number}: names {test}, which is no test; name the one that shows it"


ALL = [
    check_module_table,
    check_includes,
    check_foreign_headers,
    check_headers,
    check_file_length,
    check_function_length,
    check_names,
    check_banned_code,
    check_failpoints,
    check_banned_text,
    check_lock_files,
    check_format,
    check_markdown,
    check_named_tests,
    check_decisions,
]
