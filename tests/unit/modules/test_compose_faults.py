"""What is wrong with a Compose file is told with its place, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from nxtplay.core.host import Reader
from nxtplay.modules._compose import project
from nxtplay.modules._compose.load import Request
from nxtplay.modules._compose.source import ComposeErrors

FAULTS = [
    ("services:\n  web:\n    imagee: x\n", "3:5: unknown key 'imagee' in services.web (did you mean 'image'?)"),
    ("servces:\n  web: {image: x}\n", "1:1: unknown top-level key 'servces' (did you mean 'services'?)"),
    ("services:\n  web:\n    image: [x]\n", "takes text, found a list"),
    ("services:\n  web:\n    image: 5\n", "3:5: services.web.image takes text, found the number 5 (quote it)"),
    ("services:\n  web: {image: x, ports: ['80:http']}\n", "services.web.ports.0: '80:http' is no port"),
    ("services:\n  web: {image: x, ports: ['80-90:80-81']}\n", "differ in length"),
    ("services:\n  web: {image: x, volumes: ['a:/b:rx']}\n", "unknown volume option 'rx'"),
    ("services:\n  web: {image: x, volumes: ['data:/b']}\n", "uses volume 'data', which is not declared"),
    ("services:\n  web: {image: x, networks: [front]}\n", "uses network 'front', which is not declared"),
    ("services:\n  web: {image: x, depends_on: [dbb]}\n  db: {image: y}\n", "depends on 'dbb', which is not there (did you mean 'db'?)"),
    ("services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}\n", "in a circle: a > b > a"),
    ("services:\n  web: {image: x, depends_on: {db: {condition: service_helthy}}}\n  db: {image: y}\n", "did you mean 'service_healthy'?"),
    ("services:\n  web: {image: x, healthcheck: {interval: 5}}\n", "takes a duration such as 30s"),
    ("services:\n  web: {image: x, healthcheck: {test: [curl, x]}}\n", "a list begins with CMD, CMD-SHELL or NONE"),
    ("services:\n  web: {image: x, mem_limit: lots}\n", "takes a size such as 512M"),
    ("services:\n  web: {}\n", "service 'web' has neither `image` nor `build`"),
    ("services:\n  web: {image: '${TAG:?say which}'}\n", "2:9: required variable TAG is not set: say which"),
    ("services:\n  web: {image: x}\n  web: {image: y}\n", "3:3: 'web' is given twice"),
    ("services:\n  web:\n\timage: x\n", "YAML takes no tabs"),
    ("services:\n  web: {image: x, network_mode: host, networks: [a]}\nnetworks: {a: }\n", "both `network_mode` and `networks`"),
    ("services:\n  web: {image: x, container_name: y, scale: 2}\n", "cannot run more than once"),
    ("services:\n  web: {image: x, provider: {type: y}}\n", "'provider' is not supported"),
    ("services:\n  web: {extends: nope, image: x}\n", "no service 'nope' to extend"),
    ("services:\n  a: {extends: b}\n  b: {extends: a}\n", "extend each other: a > b > a"),
    ("services:\n  a: {image: x, env_file: gone.env}\n", "no env file"),
    ("- a\n", "a Compose file is a mapping"),
    ("", "a Compose file is a mapping with `services`, found nothing"),
]


@pytest.mark.parametrize(("text", "said"), FAULTS, ids=[said[-40:] for _, said in FAULTS])
def test_faults(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "compose.yaml").write_text(text)
    with pytest.raises(ComposeErrors) as caught:
        project.read(Reader(environ={}), Request(str(tmp_path)))
    assert said in caught.value.message
    assert "compose.yaml" in caught.value.message or "circle" in said


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services:\n  a: {imge: x}\n  b: {image: x, prts: []}\n  c: {image: x, tty: maybe}\n")
    with pytest.raises(ComposeErrors) as caught:
        project.read(Reader(), Request(str(tmp_path)))
    assert len(caught.value.findings) == 3
