"""The repository obeys its own style. One test per check, so that a failure names the rule."""

import pathlib

import pytest

import checks

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tree():
    return checks.Tree(ROOT)


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_repository_passes(check, tree):
    violations = list(check(tree))
    assert not violations, "\n" + "\n".join(violations)


def test_sees_the_repository(tree):
    assert "Makefile" in tree.files
    assert "base" in tree.modules()
