"""What uri and get_url register of an answer."""

from __future__ import annotations

from nxtplay.modules._http import Answer, result_of


def test_where_a_redirect_leads_is_told_whole() -> None:
    answer = Answer("http://here/a/b", 302, "Found", (("Location", "../c"),), b"", 0.0, False)
    assert result_of(answer, content=False)["location"] == "http://here/c"
