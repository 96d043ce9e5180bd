"""Signatures, beside the example that Amazon publishes for them."""

from __future__ import annotations

from nxtplay.modules import _s3


def test_the_published_example() -> None:
    at = _s3.Storage(
        "examplebucket", "https://examplebucket.s3.amazonaws.com", "us-east-1", "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", path_style=False,
    )  # fmt: skip
    signed = _s3.sign(
        at, "GET", "examplebucket.s3.amazonaws.com", "/test.txt", "", {"range": "bytes=0-9"}, _s3.EMPTY, now="20130524T000000Z"
    )
    assert signed["Authorization"].endswith("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")


def test_secrets_are_not_shown() -> None:
    assert "hidden" not in repr(_s3.Storage("b", "https://x", "r", "k", "hidden", "hidden too"))
