"""Lets the tests here import the modules beside them, however pytest was asked to import."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
