"""Requests: what is sent along."""

from __future__ import annotations

from pathlib import Path

import pytest

from nxtplay.core.host import Failed
from nxtplay.modules import _http
from nxtplay.modules._http import Request


def test_a_login_of_netrc_goes_to_its_host_alone(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine a.example\nlogin me\npassword secret\n")
    (tmp_path / ".netrc").chmod(0o600)

    def user(url: str, **more: object) -> str | None:
        asked = Request(url, **{"netrc": True, "environ": {"HOME": str(tmp_path)}, **more})  # type: ignore[arg-type]
        return _http._apart(asked).user

    assert user("https://a.example/x") == "me" and user("https://b.example/x") is None
    assert user("https://a.example/x", netrc=False) is None
    assert user("https://a.example/x", user="you") == "you" and user("https://she:s@a.example/x") == "she"
    assert user("https://a.example/x", environ={"NETRC": str(tmp_path / "none")}) is None


def test_a_form_of_pairs() -> None:
    assert _http.body_of(None, [["a", "b c"], ["d", ["1", "2"]]], "form-urlencoded")[0] == b"a=b+c&d=1&d=2"
    with pytest.raises(Failed, match="failed to parse body as form_urlencoded"):
        _http.body_of(None, ["a", "b"], "form-urlencoded")
