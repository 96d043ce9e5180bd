"""RDB files: the checksum is Redis' own, damage is seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.core.host import Failed
from nxtplay.modules import _redis_rdb

EMPTY = bytes.fromhex("524544495330303131fa0972656469732d76657205372e322e30ff")  # a header, its version's field, the end


def rdb(body: bytes = EMPTY) -> bytes:
    return body + _redis_rdb.crc64(body).to_bytes(8, "little")


def test_the_checksum_is_the_one_redis_tests_itself_with() -> None:
    assert _redis_rdb.crc64(b"123456789") == 0xE9C6D914C4B8D9CA


def test_a_whole_one_tells_its_version(tmp_path: Path) -> None:
    (tmp_path / "a.rdb").write_bytes(rdb())
    assert _redis_rdb.whole(str(tmp_path / "a.rdb")) == 11


@given(st.integers(0, len(rdb()) - 1), st.integers(1, 255))
def test_any_changed_byte_is_seen(at: int, flip: int) -> None:
    import tempfile

    data = bytearray(rdb())
    data[at] ^= flip
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        with pytest.raises(Failed):
            _redis_rdb.whole(file.name)


@given(st.integers(0, len(rdb()) - 1))
def test_any_cut_is_seen(length: int) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(rdb()[:length])
        file.flush()
        with pytest.raises(Failed):
            _redis_rdb.whole(file.name)
