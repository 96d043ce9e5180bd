"""Strings that say how they were written: ordinary `str`, told apart by their type.

They stand at the level of `errors`, so that every room may ask (templates leave `Unsafe` alone, variables decrypt `VaultText`).
"""

from __future__ import annotations


class Unsafe(str):
    """Text tagged `!unsafe`: never a template, however it looks."""

    __slots__ = ()


class VaultText(str):
    """Text tagged `!vault`, still encrypted: the armoured lines, `$ANSIBLE_VAULT;...` first."""

    __slots__ = ()
