"""Progress for people: one line a step, with the time that it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def step(text: str) -> Iterator[None]:
    """Prints `text` when the step is done, or that it failed."""
    start = time.monotonic()
    try:
        yield
    except BaseException:
        _line("✗", text, start)
        raise
    _line("✓", text, start)


def _line(mark: str, text: str, start: float) -> None:
    print(f"  {mark} {text:<58}{time.monotonic() - start:6.1f} s", file=sys.stderr, flush=True)
