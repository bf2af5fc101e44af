"""Waiting, always for something and always with a bound.

No test pauses for a fixed time: it says what it waits for, and fails with that sentence.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_never = threading.Event()


class Overdue(AssertionError):
    """What was waited for did not happen in time."""


def until(what: str, condition: Callable[[], T], seconds: float = 30, every: float = 0.02) -> T:
    """Returns the first true value of `condition`; asks it again every few milliseconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Overdue(f"not within {seconds:g} s: {what}")
        _never.wait(every)


def moment(seconds: float) -> None:
    """Lets the world go on for a chosen moment: for faults at random times, never to wait for a
    result."""
    _never.wait(seconds)
