"""The package sources of a machine, in both formats of apt."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FILES = Path(__file__).parents[3] / "roles/base_images/files"
sys.path.insert(0, str(FILES))

import apt_sources  # noqa: E402
import debian_image  # noqa: E402

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
# http://snapshot.example/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/a.gpg

Types: deb
URIs: http://off.example/
Suites: bookworm
Components: main
Enabled: no

Types: deb
URIs: http://keyed.example/
Suites: stable
Components: main
Architectures: amd64 arm64
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc=
 -----END PGP PUBLIC KEY BLOCK-----
"""


def test_deb822_paragraphs_become_one_line_sources() -> None:
    first, second, keyed = apt_sources.deb822(DEB822)
    assert first.line() == "deb [signed-by=/usr/share/keyrings/a.gpg] http://mirror.example/debian bookworm main contrib"
    assert second.suite == "bookworm-updates"
    assert keyed.line("/k.asc") == "deb [arch=amd64,arm64 signed-by=/k.asc] http://keyed.example/ stable main"
    assert keyed.key == "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc=\n-----END PGP PUBLIC KEY BLOCK-----\n"


@pytest.mark.parametrize(
    "line",
    [
        "deb http://m.example/debian bookworm main",
        "deb [arch=amd64 signed-by=/k.gpg] http://m.example/debian bookworm main contrib",
    ],
)
def test_a_line_is_read_as_it_is_written(line: str) -> None:
    (source,) = apt_sources.one_line(line + "   # why\n# deb http://no.example x y\ndeb-src http://no.example x y\n")
    assert source.line() == line


def test_all_files_of_the_folder_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://a.example bookworm main\n")
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/x.sources").write_text(DEB822)
    (tmp_path / "sources.list.d/y.list").write_text("deb http://a.example bookworm main\n")
    (tmp_path / "sources.list.d/z.list.disabled").write_text("deb http://z.example bookworm main\n")
    assert [s.uri for s in apt_sources.read(tmp_path)] == [
        "http://a.example",
        "http://mirror.example/debian",
        "http://mirror.example/debian",
        "http://keyed.example/",
    ]


def test_a_machine_without_the_suite_is_told_so() -> None:
    spec = debian_image.load_spec(FILES / "images.json")
    with pytest.raises(debian_image.Failure, match="names no source of it"):
        debian_image.package_sources(spec, apt_sources.one_line("deb http://a.example noble main"))


def test_a_list_of_mirrors_is_resolved(tmp_path: Path) -> None:
    mirrors = tmp_path / "debian.list"
    mirrors.write_text("# ours\nhttp://one.example/debian priority:1\nhttp://two.example/debian\n")
    assert debian_image.from_mirror_list(f"mirror+file:{mirrors}") == "http://one.example/debian"
