from __future__ import annotations

from ..said import WORD

POLITE = WORD


def deep():
    return __name__
