"""What a Dockerfile builds on."""

from __future__ import annotations

import pytest

from nxtplay.modules._docker_file import parse


@pytest.mark.parametrize(
    ("text", "args", "bases"),
    [
        ("FROM node:20\n", {}, ("node:20",)),
        ("FROM node:20 AS build\nRUN x\nFROM nginx\nCOPY --from=build /a /b\n", {}, ("node:20", "nginx")),
        ("FROM a AS x\nFROM x\n", {}, ("a",)),
        ("FROM scratch\nCOPY --from=busybox:1 /bin /bin\n", {}, ("busybox:1",)),
        ("FROM a\nFROM b\nCOPY --from=0 / /\n", {}, ("a", "b")),
        ("ARG V=20\nFROM node:${V}\n", {}, ("node:20",)),
        ("ARG V=20\nFROM node:$V\n", {"V": "22"}, ("node:22",)),
        ("ARG V\nFROM node:${V:-18}-slim\n", {}, ("node:18-slim",)),
        ("FROM --platform=linux/amd64 x\n", {}, ("x",)),
        ("# FROM no\nFROM \\\n  yes\n", {}, ("yes",)),
        ("from lower as L\nFROM l\n", {}, ("lower",)),
    ],
)
def test_bases(text: str, args: dict[str, str], bases: tuple[str, ...]) -> None:
    assert parse(text, args).bases == bases


def test_a_target_ends_the_build() -> None:
    text = "FROM a AS one\nFROM b AS two\nFROM c\n"
    assert parse(text, {}, "one").bases == ("a",)
    assert parse(text, {}, "two").bases == ("a", "b")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("RUN --mount=type=cache,target=/x npm ci", "RUN --mount"),
        ("COPY --link a b", "COPY --link"),
        ("COPY --chown=1:1 a b", ""),
        ("COPY <<EOF /x", "COPY with a here-document"),
        ("RUN <<EOF", "RUN with a here-document"),
        ("RUN cat <<EOF > /x", ""),
    ],
)
def test_what_only_buildkit_understands(line: str, why: str) -> None:
    assert parse(f"FROM a\n{line}\n", {}).buildkit == why
