"""No event that left the masker shows a secret, in whatever form and however the stream was cut."""

import base64
import json
import shlex
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.core.files import Content, FileState
from nxtplay.core.state import Change, Secret, Unknown
from nxtplay.errors import Diagnostic
from nxtplay.events import Event, Notice, Recap, RunFinished, TaskFinished, TaskOutput
from nxtplay.report.masking import MASK, Masker

secrets = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=6, max_size=40)
    .map(lambda s: f"Zq{s}7x")
    .filter(lambda s: s == s.strip())
)
around = st.text(max_size=12)


def _forms(secret: str) -> list[str]:
    encode = base64.b64encode
    return [
        secret,
        json.dumps(secret),
        json.dumps({"it": [secret]}, ensure_ascii=False),
        shlex.quote(secret),
        f"'{secret}'".replace("'", "'\\''"),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        repr({"it": secret}),
        encode(secret.encode()).decode(),
        encode(f"{secret}\n".encode()).decode(),
        encode(f"user:{secret}@".encode()).decode(),
    ]


def _seen(text: str, secret: str) -> bool:
    """Whether someone who reads the text learns the secret: it stands there, or decodes to it."""
    core = base64.b64encode(secret.encode()).decode()[:8]
    return secret in text or quote(secret, safe="") in text or core in text or json.dumps(secret)[1:-1] in text


@given(secrets, around, around, st.integers(0, 11))
def test_every_form_is_masked(secret: str, before: str, after: str, which: int) -> None:
    form = _forms(secret)[which]
    masked = Masker([secret]).text(f"{before} {form} {after}")
    assert MASK in masked
    assert not _seen(masked, secret)


@given(secrets, st.sampled_from([b"", b"a", b"user:", b"bo:"]), st.binary(max_size=5))
def test_base64_of_a_longer_text_is_masked(secret: str, before: bytes, after: bytes) -> None:
    masked = Masker([secret]).text(base64.b64encode(before + secret.encode() + after).decode())
    padded = masked.replace(MASK, "")
    assert MASK in masked
    assert len(padded) < len(secret.encode()) // 2 + 24  # what stays is the frame


@given(secrets, st.lists(around, max_size=4), st.data())
def test_a_stream_cut_anywhere_shows_what_the_whole_would(secret: str, between: list[str], data: st.DataObject) -> None:
    whole = secret.join(between) + secret
    masker = Masker([secret, secret[:5] + "other"])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    events: list[Event] = []
    for piece in pieces:
        events += masker.event(TaskOutput("1", "h", piece))
    events += masker.event(TaskFinished("1", "h", "ok"))
    assert isinstance(events[-1], TaskFinished)
    shown = "".join(e.text for e in events if isinstance(e, TaskOutput))
    assert secret not in shown
    assert shown == masker.text(whole)


def test_a_stream_without_secrets_is_not_delayed() -> None:
    masker = Masker(["hunter22"])
    (event,) = masker.event(TaskOutput("1", "h", "Step 1/3\n"))
    assert isinstance(event, TaskOutput) and event.text == "Step 1/3\n"


@given(secrets)
def test_a_finished_task_shows_nothing(secret: str) -> None:
    state = FileState("file", 0o600, content=Content.of(f"PASSWORD={secret}\n".encode()))
    event = TaskFinished(
        "1",
        "h",
        "failed",
        item_label=secret,
        result={"stdout": f"x{secret}", secret: [{"deep": (secret,)}], "raw": secret.encode(), "u": Unknown(f"of {secret}")},
        changes=(Change(("env", secret), None, state),),
        reason=f"because {secret}",
        diagnostics=(Diagnostic(f"bad {secret}", hint=secret, notes=((secret, None),)),),
    )
    (masked,) = Masker([secret]).event(event)
    assert secret not in repr(masked)
    assert secret not in json.dumps(masked.as_dict(), ensure_ascii=False)


def test_a_secret_in_a_result_is_learned_before_the_rest_is_shown() -> None:
    masker = Masker()
    (event,) = masker.event(TaskFinished("1", "h", "ok", result={"cmd": "login hunter22", "password": Secret("hunter22")}))
    assert "hunter22" not in repr(event)
    (later,) = masker.event(Notice("warning", "hunter22 is weak"))
    assert isinstance(later, Notice) and later.text == f"{MASK} is weak"


def test_the_lines_of_a_key_are_secret_too() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n9w0BAQEFAASCBKcwggSj\n-----END KEY-----\n"
    assert "9w0BAQEFAASCBKcwggSj" not in Masker([key]).text("  | 9w0BAQEFAASCBKcwggSj")


@pytest.mark.parametrize("secret", ["ok", "web", ""])
def test_short_texts_are_left(secret: str) -> None:
    assert Masker([secret]).text("ok: [web1]") == "ok: [web1]"


def test_words_of_the_language_and_counts_stay() -> None:
    masker = Masker(["changed", "web1", "1234"])
    (event,) = masker.event(TaskFinished("1", "web1", "changed", seconds=1234, result={"port": 1234}))
    assert isinstance(event, TaskFinished)
    assert (event.status, event.host, event.seconds) == ("changed", "web1", 1234)
    assert event.result == {"port": MASK}
    assert masker.event(RunFinished(Recap(seconds=1234)))[0] == RunFinished(Recap(seconds=1234))
