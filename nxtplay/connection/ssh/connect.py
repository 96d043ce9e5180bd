"""From a login to an authenticated transport: the way there, the host's key, ours."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from nxtplay.connection.ssh import args as args_
from nxtplay.connection.ssh import config as config_
from nxtplay.connection.ssh.config import Settings
from nxtplay.connection.ssh.keys import DEFAULTS, Key, KeyRing, usable
from nxtplay.connection.ssh.known_hosts import KnownHosts, fingerprint, name_of
from nxtplay.connection.ssh.library import paramiko
from nxtplay.connection.ssh.watched import COUNT, INTERVAL, WatchedSocket
from nxtplay.core.state import Secret
from nxtplay.errors import Diagnostic, Unreachable

WINDOW = 1 << 23  # bytes a host may send ahead of our reading
_KEX = ("curve25519-sha256@libssh.org", "mlkem768x25519-sha256")


@dataclass(frozen=True)
class Login:
    """All that decides how a host is reached and as whom. Equal logins share one transport."""

    host: str  # as ansible_host says it: a name of ssh_config, a DNS name or an address
    port: int | None = None
    user: str | None = None
    password: Secret | None = None
    key_file: str | None = None
    spare_key: str | None = None  # a gateway's: the key of the host behind it, tried after its own
    passphrase: Secret | None = None
    arguments: str = ""  # as for the ssh program
    checking: str | None = None  # yes, accept-new or off; None: as the configuration says
    timeout: float | None = None  # seconds to get a connection
    retries: int = 0


Gateway = Callable[[Login, tuple[str, ...]], Any]  # an authenticated transport to a jump host, and the places it is asked for by


@dataclass
class Shared:
    """What all connections of a run read once: configuration, known hosts, keys."""

    keys: KeyRing
    known: Callable[[tuple[str, ...]], KnownHosts]
    gateway: Gateway


def settings_of(login: Login) -> Settings:
    given = args_.parse(login.arguments)
    files = [os.path.expanduser(given.config_file)] if given.config_file else None
    return config_.resolve(login.host, given=given.options, files=files, user=login.user, port=login.port)


def connect(login: Login, settings: Settings, shared: Shared, asking: tuple[str, ...] = ()) -> tuple[Any, WatchedSocket]:
    """A transport, authenticated and kept alive, and its socket; `asking` are the places that need it as a gateway. Raises Unreachable."""
    attempts = max(login.retries, int(settings.seconds("connectionattempts") or 1) - 1) + 1
    for attempt in range(1, attempts + 1):
        try:
            return _connect(login, settings, shared, (*asking, place_of(settings)))
        except _Passing as error:
            if attempt == attempts:
                raise Unreachable(*error.diagnostics) from error
            time.sleep(min(2.0 ** (attempt - 1), 10))
    raise AssertionError


class _Passing(Unreachable):
    """May be otherwise at the next attempt."""


def place_of(settings: Settings) -> str:
    port = f":{settings.port}" if settings.port != 22 else ""
    return f"{settings.user}@{settings.hostname}{port}"


def _connect(login: Login, settings: Settings, shared: Shared, chain: tuple[str, ...]) -> tuple[Any, WatchedSocket]:
    limit = login.timeout or settings.seconds("connecttimeout") or 10.0
    place = place_of(settings)
    watched = WatchedSocket(_way(login, settings, shared, chain, limit, place))
    transport: Any = None
    try:
        transport = _transport(watched, settings, shared, login)
        _handshake(transport, place, limit)
        _check_host_key(transport, login, settings, shared)
        transport.auth_timeout = 3 * limit
        _authenticate(transport, login, settings, shared, place)
    except BaseException:
        watched.close()
        if transport is not None:
            transport.close()
        raise
    interval = settings.seconds("serveraliveinterval") or INTERVAL
    watched.settle(interval, int(settings.seconds("serveralivecountmax") or COUNT))
    transport.packetizer.set_keepalive(interval, lambda: _ask_for_life(transport))
    return transport, watched


# -- the way there


def _way(login: Login, settings: Settings, shared: Shared, chain: tuple[str, ...], limit: float, place: str) -> Any:
    jump = settings.line("proxyjump")
    command = settings.line("proxycommand")
    if jump and jump.lower() != "none":
        return _through(jump, login, settings, shared, chain, limit, place)
    if command and command.lower() != "none":
        return _by_command(settings.expand(command), place)
    return _straight(settings, limit, place)


def _straight(settings: Settings, limit: float, place: str) -> socket.socket:
    where = f"{settings.hostname} port {settings.port}"
    try:
        found = socket.create_connection((settings.hostname, settings.port), timeout=limit)
    except socket.gaierror as error:
        hint = "mend ansible_host, or make the name known (DNS, /etc/hosts, ~/.ssh/config)"
        raise _Passing(Diagnostic(f"{place}: no address for the name '{settings.hostname}' ({error.strerror})", hint=hint)) from error
    except TimeoutError as error:
        hint = "is the machine up, does a firewall drop it? more time: -T 30"
        raise _Passing(Diagnostic(f"{place}: no answer from {where} within {limit:g} s", hint=hint)) from error
    except ConnectionRefusedError as error:
        hint = "is sshd running there? another port: ansible_port"
        raise _Passing(Diagnostic(f"{place}: {where} refuses connections", hint=hint)) from error
    except OSError as error:
        raise _Passing(f"{place}: cannot reach {where}: {error.strerror or error}") from error
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found


def _through(jump: str, login: Login, settings: Settings, shared: Shared, chain: tuple[str, ...], limit: float, place: str) -> Any:
    """A channel of the last gateway of `user@host:port,...`; the gateways before it are its own."""
    before, _, last = jump.rpartition(",")
    user, _, rest = last.strip().rpartition("@")
    host, port = rest.removeprefix("ssh://"), None
    head, _, tail = host.rpartition(":")
    if head and tail.isdigit() and (":" not in head or head.endswith("]")):
        host, port = head, int(tail)
    arguments = f"-o ProxyJump={before}" if before else ""
    gate = Login(
        host=host.strip("[]"),
        port=port,
        user=user or None,
        spare_key=login.key_file or login.spare_key,
        passphrase=login.passphrase,
        arguments=arguments,
        checking=login.checking,
        timeout=login.timeout,
    )
    gate_place = place_of(settings_of(gate))
    if gate_place in chain:
        way = " through ".join((*chain, gate_place))
        hint = "let the gateway itself have `ProxyJump none` in ~/.ssh/config"
        raise Unreachable(Diagnostic(f"{place}: the way there is a circle: {way}", hint=hint))
    transport = shared.gateway(gate, chain)
    try:
        return transport.open_channel("direct-tcpip", (settings.hostname, settings.port), ("127.0.0.1", 0), timeout=limit)
    except Exception as error:
        raise _Passing(f"{place}: the gateway {last} cannot reach {settings.hostname} port {settings.port}: {error}") from error


def _by_command(command: str, place: str) -> socket.socket:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            subprocess.Popen(["/bin/sh", "-c", f"exec {command}"], stdin=theirs.fileno(), stdout=theirs.fileno(), start_new_session=True)
        except OSError as error:
            raise Unreachable(f"{place}: cannot run its ProxyCommand: {error.strerror}") from error
    return ours


# -- the transport


def _transport(watched: WatchedSocket, settings: Settings, shared: Shared, login: Login) -> Any:
    transport = _class()(watched, default_window_size=WINDOW)
    options = transport.get_security_options()
    first = [name for name in _KEX if name in options.kex]
    options.kex = (*first, *(name for name in options.kex if name not in first))
    gcm = [name for name in options.ciphers if "gcm" in name]
    options.ciphers = (*gcm, *(name for name in options.ciphers if name not in gcm and not name.endswith("-cbc")))
    if _checking(login, settings) != "off":
        known = shared.known(_known_files(settings)).kinds(_known_name(settings))
        known = [one for kind in known for one in (("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,))]
        first = [name for name in known if name in options.key_types]
        options.key_types = (*first, *(name for name in options.key_types if name not in first))
    if settings.flag("compression"):
        transport.use_compression(True)
    return transport


@cache
def _class() -> Any:
    """paramiko's transport that asks for the authentication service without waiting for the yes: a round trip less."""
    library = paramiko()

    class Handler(library.auth_handler.AuthOnlyHandler):  # type: ignore[misc,name-defined]
        """Hears an answer that is there before anybody waits: paramiko makes the event to wait for when the request is already sent."""

        def __init__(self, transport: Any) -> None:
            self._answered = threading.Event()
            super().__init__(transport)

        @property
        def auth_event(self) -> threading.Event:
            return self._answered

        @auth_event.setter
        def auth_event(self, event: threading.Event | None) -> None:
            """It stays the one that was there when the request was sent."""

        def send_auth_request(self, *given: Any, **named: Any) -> Any:
            self._answered.clear()
            return super().send_auth_request(*given, **named)

    class Transport(library.ServiceRequestingTransport):  # type: ignore[misc,name-defined]
        _service_userauth_accepted: bool

        def ensure_session(self) -> None:
            if not self.active or not self.initial_kex_done:
                raise library.SSHException("the session is not open")
            if not self._service_userauth_accepted:
                message = library.Message()
                message.add_byte(b"\x05")
                message.add_string("ssh-userauth")
                self._send_message(message)
                self._service_userauth_accepted = True
                self.auth_handler = self.get_auth_handler()

        def get_auth_handler(self) -> Any:
            return Handler(self)

    return Transport


def _ask_for_life(transport: Any) -> None:
    """A global request that every server answers, if only to refuse it."""
    message = paramiko().Message()
    message.add_byte(b"\x50")
    message.add_string("keepalive@openssh.com")
    message.add_boolean(True)
    transport._send_user_message(message)


def _handshake(transport: Any, place: str, limit: float) -> None:
    """The server's first word within `limit` seconds, the keys within three times that: many at once make each other slow."""
    library = paramiko()
    transport.banner_timeout, transport.handshake_timeout = limit, 3 * limit
    began = time.monotonic()
    try:
        transport.start_client(timeout=4 * limit)
    except library.ssh_exception.IncompatiblePeer as error:
        raise Unreachable(f"{place}: no algorithm that both sides know: {error}") from error
    except (library.SSHException, EOFError, OSError) as error:
        text = str(error) or type(error).__name__
        if time.monotonic() - began >= limit - 0.3:
            raise _slow(place, time.monotonic() - began) from error
        hint = "is that port really sshd's? too many connections at once: fewer forks, or a higher MaxStartups there"
        raise _Passing(Diagnostic(f"{place}: the SSH handshake failed: {text}", hint=hint)) from error
    if not transport.initial_kex_done:
        raise _slow(place, 4 * limit)


def _slow(place: str, seconds: float) -> _Passing:
    hint = "more time: -T 30; in the server's log: MaxStartups, or a name lookup that waits"
    return _Passing(Diagnostic(f"{place}: connected, but no SSH handshake within {seconds:.0f} s", hint=hint))


# -- the host's key


def _checking(login: Login, settings: Settings) -> str:
    """yes, accept-new or off."""
    asked = (login.checking or settings.first("stricthostkeychecking") or "yes").lower()
    return {"no": "off", "off": "off", "false": "off", "accept-new": "accept-new"}.get(asked, "yes")


def _known_files(settings: Settings) -> tuple[str, ...]:
    user = settings.paths("userknownhostsfile") or [os.path.expanduser(f"~/.ssh/known_hosts{tail}") for tail in ("", "2")]
    return (*user, *(settings.paths("globalknownhostsfile") or ["/etc/ssh/ssh_known_hosts"]))


def _known_name(settings: Settings) -> str:
    return settings.first("hostkeyalias") or name_of(settings.hostname, settings.port)


def _check_host_key(transport: Any, login: Login, settings: Settings, shared: Shared) -> None:
    checking = _checking(login, settings)
    if checking == "off":
        return
    shown = transport.get_remote_server_key()
    kind, key, name = shown.get_name(), shown.get_base64(), _known_name(settings)
    known = shared.known(_known_files(settings))
    judged = known.judge(name, kind, key)
    place, mark = place_of(settings), fingerprint(key)
    if judged.verdict == "known":
        return
    if judged.entry is not None:
        if judged.verdict == "revoked":
            raise Unreachable(f"{place}: the host's key {mark} is revoked ({judged.entry.place})")
        hint = f"somebody may listen in between! only if you know why it changed: ssh-keygen -R '{name}' -f {judged.entry.file}"
        raise Unreachable(
            Diagnostic(f"{place}: the host's key has changed: it shows {kind} {mark}, {judged.entry.place} has another", hint=hint)
        )
    if checking == "accept-new":
        try:
            known.remember(name, kind, key, hashed=settings.flag("hashknownhosts"))
        except OSError as error:
            raise Unreachable(f"{place}: cannot note the host's key in {known.files[0]}: {error.strerror}") from error
        return
    where = f" -p {settings.port}" if settings.port != 22 else ""
    hint = (
        f"compare the fingerprint, then: ssh-keyscan{where} {settings.hostname} >> {known.files[0]}; "
        "or trust new hosts: ansible_host_key_checking: accept-new"
    )
    raise Unreachable(Diagnostic(f"{place}: the host's key is not known: {kind} {mark}", hint=hint))


# -- our own key


def _authenticate(transport: Any, login: Login, settings: Settings, shared: Shared, place: str) -> None:
    """A key that was asked for, else a password that was given, else the agent's and the usual keys: as few attempts as can be."""
    refused: list[str] = []
    ways = list(_ways(login, settings, shared, refused))
    library = paramiko()
    for name, attempt in ways:
        try:
            needs_more = attempt(transport, settings.user)
        except library.BadAuthenticationType as error:
            refused.append(f"{name}: not allowed there (allowed: {', '.join(error.allowed_types)})")
            continue
        except library.AuthenticationException as error:
            refused.append(f"{name}: {'no answer in time' if 'timeout' in str(error).lower() else 'refused'}")
            if not transport.is_active():
                break
            continue
        except (library.SSHException, EOFError, OSError) as error:
            if not transport.is_active():
                raise _Passing(f"{place}: the host ended the connection at the login: {error or 'without a word'}") from error
            refused.append(f"{name}: {error}")
            continue
        if not needs_more:
            return
        refused.append(f"{name}: accepted, but the host wants {' and '.join(needs_more)} as well")
    told = "; ".join(refused) or "no key in ~/.ssh or in an agent, and no password"
    hint = f"try: ssh-copy-id {settings.user}@{settings.hostname}; or --private-key FILE, -u USER, -k (asks for the password)"
    raise Unreachable(Diagnostic(f"{place}: login failed: {told}", hint=hint))


Way = tuple[str, Callable[[Any, str], Any]]


def _ways(login: Login, settings: Settings, shared: Shared, refused: list[str]) -> list[Way]:
    passphrase = str.__str__(login.passphrase) if login.passphrase is not None else None
    named = [os.path.expanduser(login.key_file)] if login.key_file else []
    configured = [path for path in settings.paths("identityfile") if path not in named]
    explicit = [_by_key(key) for key in usable(shared.keys, named, passphrase, refused)]
    password = [_by_password(login.password)] if login.password is not None else []
    held: list[Key] = []
    if not settings.flag("identitiesonly") and not named:
        held = shared.keys.agent_keys(settings.expand(settings.first("identityagent")) or os.environ.get("SSH_AUTH_SOCK"))
    further: list[str] = []
    files = usable(shared.keys, configured or [os.path.expanduser(path) for path in DEFAULTS], passphrase, further)
    others = [] if named else [*(_by_key(key) for key in held), *(_by_key(key) for key in files)]
    refused += [text for text in further if configured or not text.endswith("no such file")]
    spare = usable(shared.keys, [login.spare_key] if login.spare_key else [], passphrase, refused)
    return [*explicit, *password, *others, *(_by_key(key) for key in spare)]


def _by_key(key: Key) -> Way:
    return f"key {key.name}", lambda transport, user: transport.auth_publickey(user, key.key)


def _by_password(password: Secret) -> Way:
    return "password", lambda transport, user: transport.auth_password(user, str.__str__(password))
