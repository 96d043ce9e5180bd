"""Passwords: the RFC's own example, stored forms, a login against a server's side of it."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nxtplay.modules import _postgres_scram as scram


def test_the_example_of_rfc_7677() -> None:
    exchange = scram.Exchange("pencil", nonce="rOprNGfwEbeRWgbNEkqO")
    exchange._first = "n=user,r=rOprNGfwEbeRWgbNEkqO"
    final = exchange.final(b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    assert final.endswith(b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    exchange.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    with pytest.raises(ValueError, match="not the one it claims"):
        exchange.verify(b"v=AAAA")


@settings(max_examples=20, deadline=None)
@given(st.text(min_size=1), st.text(min_size=1), st.binary(min_size=8, max_size=16))
def test_a_stored_form_is_of_its_password_alone(password: str, other: str, salt: bytes) -> None:
    try:
        kept = scram.verifier(password, salt=salt, iterations=100)
    except UnicodeEncodeError:
        return
    assert scram.is_hashed(kept) and scram.matches(password, "u", kept) and scram.matches(kept, "u", kept)
    if scram.saslprep(password) != scram.saslprep(other):
        assert not scram.matches(other, "u", kept)
    assert scram.matches(password, "u", scram.md5(password, "u"))
    assert not scram.matches(password, "v", scram.md5(password, "u"))


def test_no_password_is_a_password_of_its_own() -> None:
    assert scram.matches("", "u", None) and not scram.matches("x", "u", None)
    assert not scram.matches("", "u", scram.md5("x", "u"))


PREPARED = [("I\u00adX", "IX"), ("\u2168", "IX"), ("a\u00a0b", "a b"), ("\u0007", "\u0007"), ("\u0627\u0031", "\u0627\u0031")]


@pytest.mark.parametrize(("text", "prepared"), PREPARED)
def test_saslprep(text: str, prepared: str) -> None:
    assert scram.saslprep(text) == prepared


def test_a_servers_side_accepts_it() -> None:
    salt, password = b"saltsaltsaltsalt", "pässword"
    exchange = scram.Exchange(password)
    nonce = exchange.first().decode().rpartition("r=")[2]
    challenge = f"r={nonce}more,s={base64.b64encode(salt).decode()},i=4096"
    final = exchange.final(challenge.encode()).decode()
    without, _, proof = final.rpartition(",p=")
    stored = base64.b64decode(scram.verifier(password, salt=salt).split("$")[2].split(":")[0])
    signature = scram.mac(stored, f"n=,r={nonce},{challenge},{without}".encode())
    client = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True))
    assert hashlib.sha256(client).digest() == stored
