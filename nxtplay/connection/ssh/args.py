"""Options meant for the ssh program (ansible_ssh_common_args and the like), as far as our own client can follow them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

_FOLLOWED = frozenset(
    """addkeystoagent batchmode checkhostip ciphers compression connectionattempts connecttimeout controlmaster controlpath
    controlpersist forwardagent globalknownhostsfile hashknownhosts hostkeyalias hostkeyalgorithms hostname identitiesonly
    identityagent identityfile ipqos kbdinteractiveauthentication kexalgorithms loglevel macs numberofpasswordprompts
    passwordauthentication port preferredauthentications proxycommand proxyjump pubkeyauthentication requesttty serveralivecountmax
    serveraliveinterval stricthostkeychecking tcpkeepalive updatehostkeys user userknownhostsfile""".split()
)
_MEANINGLESS = frozenset("-C -q -T -x -a -A -N -v -vv -vvv -4 -6 -n".split())  # harmless without an effect here, or never one
_WITH_VALUE = "-b -c -D -E -e -I -L -m -O -Q -R -S -W -w".split()


@dataclass(frozen=True)
class Arguments:
    """-o options in their order (keyword, value), another configuration file, and what was not understood."""

    options: tuple[tuple[str, str], ...] = ()
    config_file: str | None = None
    ignored: tuple[str, ...] = ()


def parse(text: str) -> Arguments:
    """The arguments of one host. Raises ValueError for unbalanced quotes."""
    options: list[tuple[str, str]] = []
    ignored: list[str] = []
    config: str | None = None
    words = shlex.split(text)
    short = {"-i": "identityfile", "-J": "proxyjump", "-p": "port", "-l": "user"}
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        flag, value = word[:2], word[2:]
        if flag in ("-o", "-i", "-J", "-p", "-l", "-F") or flag in _WITH_VALUE:
            if not value and at < len(words):
                value = words[at]
                at += 1
            if flag == "-F":
                config = value
            elif flag in short:
                options.append((short[flag], value))
            elif flag == "-o":
                keyword, _, rest = value.replace("=", " ", 1).strip().partition(" ")
                if keyword.lower() in _FOLLOWED:
                    options.append((keyword.lower(), rest.strip()))
                else:
                    ignored.append(f"-o {value}")
            else:
                ignored.append(f"{flag} {value}".strip())
        elif word not in _MEANINGLESS:
            ignored.append(word)
    return Arguments(tuple(options), config, tuple(ignored))
