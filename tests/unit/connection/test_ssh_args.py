"""Arguments meant for the ssh program."""

from __future__ import annotations

import pytest

from nxtplay.connection.ssh.args import parse


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("-o Port=2222", (("port", "2222"),)),
        ("-oPort=2222", (("port", "2222"),)),
        ("-o 'ProxyCommand=ssh -W %h:%p gate'", (("proxycommand", "ssh -W %h:%p gate"),)),
        ('-o ProxyCommand="ssh -W %h:%p -q gate"', (("proxycommand", "ssh -W %h:%p -q gate"),)),
        ("-o StrictHostKeyChecking no", (("stricthostkeychecking", ""),)),
        ("-o 'StrictHostKeyChecking no'", (("stricthostkeychecking", "no"),)),
        ("-J gate -i ~/key -p 22 -l ann", (("proxyjump", "gate"), ("identityfile", "~/key"), ("port", "22"), ("user", "ann"))),
        ("-C -q -o ControlMaster=auto -o ControlPersist=60s", (("controlmaster", "auto"), ("controlpersist", "60s"))),
        ("", ()),
    ],
)
def test_options(text: str, options: tuple[tuple[str, str], ...]) -> None:
    assert parse(text).options == options


def test_what_has_no_effect_is_named() -> None:
    found = parse("-o GSSAPIAuthentication=yes -L 80:localhost:80 -F /etc/x --odd")
    assert found.config_file == "/etc/x"
    assert found.ignored == ("-o GSSAPIAuthentication=yes", "-L 80:localhost:80", "--odd")


def test_open_quotes_are_an_error() -> None:
    with pytest.raises(ValueError, match="quotation"):
        parse("-o 'User=x")
