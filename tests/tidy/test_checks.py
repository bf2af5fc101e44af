"""Every check can fail: each is shown a small repository with one fault, and must name its line."""

import pytest

import checks
from cpp import blank_comments_and_strings, functions

TABLE = """# Architecture

| # | module | one sentence | may include |
|---|---|---|---|
| 1 | `base` | Words. | – |
| 2 | `stream` | The log. | base |
| 3 | `server` | Wires it. | everything but cli |
| 4 | `cli` | Commands. | everything |
"""
GOOD = {
    "ARCHITECTURE.md": TABLE,
    "src/base/CMakeLists.txt": "freshet_module(base)\n",
    "src/base/result.h": "// Results.\n#pragma once\n",
    "src/stream/CMakeLists.txt": "freshet_module(stream DEPS base LINK xxhash)\n",
    "src/stream/stream.h": '// The log.\n#pragma once\n\n#include "base/result.h"\n',
    "src/server/CMakeLists.txt": "freshet_module(server DEPS base\n  stream)\n",
    "src/cli/CMakeLists.txt": "freshet_module(cli DEPS base stream server)\n",
}


def run(check, folder, **faults):
    """The check's violations for the good repository with `faults` written over it."""
    for name, text in {**GOOD, **faults.get("files", {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return list(check(checks.Tree(folder)))


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_a_good_repository_passes(check, tmp_path):
    assert run(check, tmp_path) == []


FAULTS = [
    (checks.check_module_table, "src/base/CMakeLists.txt", "freshet_module(base DEPS stream)\n", "src/base/CMakeLists.txt:1"),
    (checks.check_module_table, "src/stream/CMakeLists.txt", "freshet_module(stream)\n", "src/stream/CMakeLists.txt:1"),
    (checks.check_module_table, "src/other/CMakeLists.txt", "freshet_module(other)\n", "lacks module other"),
    (checks.check_module_table, "ARCHITECTURE.md", "# Architecture\n", "no table"),
    (checks.check_includes, "src/base/a.cc", '#include "stream/stream.h"\n', "src/base/a.cc:1: base may not include stream"),
    (checks.check_includes, "src/base/a.cc", '\n#include "base/gone.h"\n', "src/base/a.cc:2"),
    (checks.check_includes, "src/base/world.h", '#include <gtest/gtest.h>\n#include "stream/stream.h"\n', "base may not include stream"),
    (checks.check_foreign_headers, "src/stream/a.cc", "#include <gtest/gtest.h>\n", "tests only"),
    (checks.check_foreign_headers, "src/stream/a.cc", "#include <duckdb.h>\n", "go through engine/"),
    (checks.check_foreign_headers, "src/engine/a.h", '#include "duckdb.h"\n', "src/engine/a.h:1"),
    (checks.check_foreign_headers, "src/cli/a.cc", "#include <libpq-fe.h>\n", "go through postgres"),
    (checks.check_headers, "src/base/a.h", "#pragma once\n", "opening comment"),
    (checks.check_headers, "src/base/a.h", "// Why.\n", "#pragma once"),
    (checks.check_headers, "src/base/a.h", "// Why.\n#pragma once\nusing namespace std;\n", "src/base/a.h:3"),
    (checks.check_file_length, "src/base/a.cc", "\n" * 601, "601 lines"),
    (checks.check_function_length, "src/base/a.cc", "void f() {\n" + "  g();\n" * 69 + "}\n", "f has 71 lines"),
    (checks.check_names, "src/base/utils/a.cc", "", "called utils"),
    (checks.check_names, "src/base/Queue.cc", "", "snake_case"),
    (checks.check_banned_code, "src/base/a.cc", "void f() { std::this_thread::sleep_for(1s); }\n", "src/base/a.cc:1"),
    (checks.check_banned_code, "src/base/a.cc", "\nt.detach();\n", "src/base/a.cc:2"),
    (checks.check_banned_code, "src/base/a.cc", "std::thread t;\n", "std::jthread"),
    (checks.check_banned_code, "src/base/a_test.cc", "TEST(A, DISABLED_B) {}\n", "disabled"),
    (checks.check_banned_code, "src/base/a_test.cc", "GTEST_SKIP();\n", "skips"),
    (checks.check_failpoints, "src/stream/a.cc", "\nTRY(file.sync());\n", "src/stream/a.cc:2: syncs"),
    (checks.check_failpoints, "src/stream/a.cc", 'FAILPOINT("a.b");\n' + "\n" * 4 + "fs::rename(a, b);\n", "src/stream/a.cc:6"),
    (checks.check_failpoints, "src/stream/a.cc", "return connection->commit();\n", "FAILPOINT beside it"),
    (checks.check_failpoints, "src/stream/a.cc", 'FAILPOINT("a.b");\nFAILPOINT("a.b");\n', "src/stream/a.cc:2: a.b is the name"),
    (checks.check_failpoints, "src/stream/a.cc", 'FAILPOINT("Sync");\n', "are named"),
    (checks.check_banned_text, "src/base/a.cc", "// TO" + "DO: later\n", "src/base/a.cc:1"),
    (checks.check_banned_text, "docs/a.md", "# A\n\nin /wo" + "rk/main\n", "docs/a.md:3"),
    (checks.check_banned_text, "docs/a.md", "# A\n\nin /tm" + "p/x\n", "docs/a.md:3"),
    (checks.check_banned_text, "a.json", '"https://regis' + 'try.example.org/x"\n', "a.json:1"),
    (checks.check_lock_files, "x/package-lock.json", '{\n"resolved": "https://example.org/x.tgz"}\n', "x/package-lock.json:2"),
    (checks.check_format, "src/base/a.cc", "int  f( ) { return 1;}\n", "src/base/a.cc:1"),
    (checks.check_markdown, "docs/a.md", "# A\n\n# B\n", "docs/a.md:3"),
    (checks.check_markdown, "docs/a.md", "no title\n", "docs/a.md:1"),
    (checks.check_markdown, "docs/a.md", "# A\n\n[b](gone.md)\n", "docs/a.md:3"),
    (checks.check_named_tests, "docs/a.md", "# A\n\n`Stream.Keeps` and `test_that_is_gone`\n", "names test_that_is_gone"),
    (checks.check_decisions, "docs/decisions/store.md", "# Store\n", "named by date"),
]


@pytest.mark.parametrize("check, name, text, expected", FAULTS, ids=range(len(FAULTS)))
def test_a_fault_is_named(check, name, text, expected, tmp_path):
    violations = run(check, tmp_path, files={name: text})
    assert any(expected in violation for violation in violations), violations


def test_tests_may_include_testing(tmp_path):
    files = {
        "src/testing/CMakeLists.txt": "freshet_module(testing DEPS base)\n",
        "src/testing/torn.h": "// Torn files.\n#pragma once\n",
        "src/stream/a_test.cc": '#include "testing/torn.h"\n',
        "src/stream/a.cc": '#include "testing/torn.h"\n',
    }
    violations = run(checks.check_includes, tmp_path, files=files)
    assert len(violations) == 1 and violations[0].startswith("src/stream/a.cc:1")


def test_the_program_may_not_include_test_headers(tmp_path):
    files = {
        "src/stream/scratch.h": "// For tests.\n#pragma once\n#include <gtest/gtest.h>\n",
        "src/stream/more.h": '// For tests.\n#pragma once\n#include "stream/scratch.h"\n',
        "src/stream/a_test.cc": '#include "stream/more.h"\n',
        "src/stream/a.cc": '#include "stream/more.h"\n',
    }
    violations = run(checks.check_includes, tmp_path, files=files)
    assert len(violations) == 1 and violations[0].startswith("src/stream/a.cc:1")
    assert run(checks.check_foreign_headers, tmp_path, files=files) == []


def test_comments_and_strings_do_not_count(tmp_path):
    text = '// std::thread t;\nconst char* s = "t.detach();";\nconst auto n = std::thread::hardware_concurrency();\n'
    assert run(checks.check_banned_code, tmp_path, files={"src/base/a.cc": text}) == []


def test_blanking_keeps_lines_and_digit_separators():
    text = "a /* x\n y */ b = 1'000'000; // c\nR\"(}\n{)\" '{'\n"
    blanked = blank_comments_and_strings(text)
    assert blanked.count("\n") == text.count("\n")
    assert "1'000'000" in blanked and "{" not in blanked and "}" not in blanked


def test_functions_are_found_with_their_lines():
    text = (
        "namespace a {\n"
        "class B {\n"
        " public:\n"
        "  int get() const { return x_; }\n"
        "  struct Inner {\n"
        "    void deep() {\n"
        "      if (x) {\n"
        "      }\n"
        "    }\n"
        "  };\n"
        "};\n"
        "template <typename T>\n"
        "Result<T> B::long_one(int a,\n"
        "                      int b) {\n"
        "  auto f = [] { return 1; };\n"
        "  for (;;) {\n"
        "  }\n"
        "}\n"
        "const int table[] = {1, 2};\n"
        "}  // namespace a\n"
    )
    assert functions(text) == [("get", 4, 4), ("deep", 6, 9), ("B::long_one", 12, 18)]
