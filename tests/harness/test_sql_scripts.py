"""The reader of SQL scripts: a script that says nothing must not pass for one that agrees."""

import pytest

from harness import scripts
from harness.compare import Answer


def script(tmp_path, text: str):
    path = tmp_path / "script.sql"
    path.write_text(text)
    return scripts.read(path)


def test_sections_keep_their_order_and_lines(tmp_path):
    read = script(tmp_path, "-- About.\n-- setup\nCREATE TABLE t ();\n-- query: all\nSELECT 1;\n"
                            "-- change\nTRUNCATE t;\n-- query: again\nSELECT 2;\n")
    assert read.setup == "CREATE TABLE t ();"
    assert [(part.kind, part.name, part.line) for part in read.rest] == \
        [("query", "all", 4), ("change", "", 6), ("query", "again", 8)]


@pytest.mark.parametrize("text", [
    "SELECT 1;\n",
    "-- setup\n-- query: q\nSELECT 1;\n",
    "-- setup\nSELECT 1;\n-- query\nSELECT 1;\n",
    "-- setup\nSELECT 1;\n-- query: a\nSELECT 1;\n-- query: a\nSELECT 2;\n",
])
def test_a_script_with_a_slip_is_refused(tmp_path, text):
    with pytest.raises(AssertionError):
        script(tmp_path, text)


@pytest.mark.parametrize("sql, ordered", [
    ("SELECT 1 ORDER BY 1", True),
    ("SELECT * FROM t\nORDER\nBY id LIMIT 3", True),
    ("SELECT sum(n) OVER (ORDER BY id) FROM t", False),
    ("SELECT * FROM (SELECT * FROM t ORDER BY id LIMIT 5) s", False),
    ("SELECT ' order by ' FROM t", False),
    ("SELECT string_agg(n, ',' ORDER BY id) FROM t ORDER BY 1", True),
])
def test_only_an_order_of_the_statement_itself_counts(sql, ordered):
    assert scripts.is_ordered(sql) == ordered


def test_answers_are_equal_as_multisets_of_rows():
    assert Answer(["a"], [("1",), ("2",)]) == Answer(["a"], [("2",), ("1",)])
    assert Answer(["a"], [("1",), ("1",)]) != Answer(["a"], [("1",)])
    assert Answer(["a"], [("1",)]) != Answer(["b"], [("1",)])
    assert Answer(["a"], [(None,)]) != Answer(["a"], [("",)])


def test_a_difference_needs_a_reason(tmp_path):
    path = tmp_path / "differences.toml"
    path.write_text('[[difference]]\nscript = "a.sql"\nquery = "q"\nreason = ""\n')
    with pytest.raises(AssertionError):
        scripts.allowed(path)
    path.write_text('[[difference]]\nscript = "a.sql"\nquery = "q"\nreason = "because"\n'
                    'ours = [["1"]]\n')
    assert scripts.allowed(path)[("a.sql", "q")].ours == (("1",),)
