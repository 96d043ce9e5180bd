"""One face of a PostgreSQL server for all postgresql_* modules: where it is, who logs in, what a check has foreseen of it.

    with session(self, host, "app") as db:
        db.query("SELECT datname FROM pg_database WHERE datname = %s", name)

A session lasts as long as its task at most, so that no database is held open when the next task drops it.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import weakref
from typing import Any, Iterator, Literal, Mapping, Optional, Sequence

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Args, arg
from nxtplay.core.state import Secret, Unknown, UnknownReached
from nxtplay.core.types import Path
from nxtplay.modules import _inside
from nxtplay.modules._postgres_types import SqlError, identifier, interpolate, records
from nxtplay.modules._postgres_wire import Answer, Connection, PgError, Sink, Source, secure

PORT = 5432
SOCKET_DIRECTORIES = ("/var/run/postgresql", "/run/postgresql", "/tmp")
CONNECT_PARAMS = frozenset(
    "application_name client_encoding connect_timeout dbname fallback_application_name host hostaddr keepalives keepalives_count "
    "keepalives_idle keepalives_interval options password port sslcert sslkey sslmode sslrootcert user".split()
)


class PostgresLogin(Args):
    """The arguments every postgresql_* module has: which server, who logs in."""

    login_host: str = arg("", help="Server to connect to; PGHOST, else the local Unix socket.", aliases=["host"])
    login_port: int | None = arg(None, help="Port of the server (in the container, if one is given); PGPORT, else 5432.", aliases=["port"])
    login_unix_socket: str = arg("", help="Directory (or path) of the server's Unix socket.", aliases=["unix_socket"])
    container: str = arg("", help="Name of the Docker container the server runs in; its port need not be published.")
    login_user: str | None = arg(None, help="Role to log in as; the container's POSTGRES_USER, else postgres.", aliases=["login"])
    login_password: Secret | None = arg(None, help="Its password; else the container's own, PGPASSWORD or ~/.pgpass.")
    login_db: str | None = arg(None, help="Database to connect to; default postgres.", aliases=["db"])
    ssl_mode: Literal["allow", "disable", "prefer", "require", "verify-ca", "verify-full"] = arg("prefer", help="TLS, as libpq's sslmode.")
    ca_cert: Path | None = arg(None, help="File of certificate authorities to trust.", aliases=["ssl_rootcert"])
    ssl_cert: Path | None = arg(None, help="Client certificate.")
    ssl_key: Path | None = arg(None, help="Key of the client certificate.")
    connect_params: dict[str, str] | None = arg(None, help="Further libpq parameters (connect_timeout, options ...).")
    session_role: str | None = arg(None, help="Role to switch to after the login.")
    trust_input: bool = arg(True, help="If false, refuse names that look like an attempt to smuggle SQL in.")

    @classmethod
    def prepare(cls, args: dict[str, Any], controller: Any) -> dict[str, Any]:
        """Take the server that the task's `environment` names for one that is named: two servers' objects have two keys."""
        given = {name for name, spec in cls.specs().items() if any(args.get(word) not in (None, "") for word in (name, *spec.aliases))}
        if "container" in given or "connect_params" in given:
            return args
        named = {"login_port": "PGPORT"} if "login_unix_socket" in given else {"login_host": "PGHOST", "login_port": "PGPORT"}
        taken = {name: controller.environ.get(word) for name, word in named.items() if name not in given}
        return {**args, **{name: value for name, value in taken.items() if value}}


# -- identity ------------------------------------------------------------------------------------------------------------


def named_host(login: PostgresLogin) -> str:
    """The server as named; a Unix socket that is given counts before localhost."""
    return "" if login.login_host == "localhost" and login.login_unix_socket else login.login_host


def server_of(login: PostgresLogin) -> str:
    """The server as part of keys, so that two servers' objects do not meet."""
    if login.container:
        return f"container/{login.container}:{login.login_port or PORT}"
    return f"{named_host(login) or login.login_unix_socket or 'local'}:{login.login_port or PORT}"


def address_of(login: PostgresLogin, host: Reader) -> tuple[str, int]:
    """Where libpq would find the server: its name, or its socket's directory, or nothing for the usual places; and its port."""
    extra = login.connect_params or {}
    address = named_host(login) or extra.get("host") or extra.get("hostaddr") or login.login_unix_socket or host.environ.get("PGHOST")
    return address or "", int(extra.get("port") or login.login_port or host.environ.get("PGPORT") or PORT)


def database_key(login: PostgresLogin, name: str) -> str:
    return f"postgresqldb:{server_of(login)}:{name}"


def role_key(login: PostgresLogin, name: str) -> str:
    return f"postgresqluser:{server_of(login)}:{name}"


def object_key(kind: str, login: PostgresLogin, database: str, *names: str) -> str:
    """The key of something inside a database."""
    return ":".join((f"postgresql{kind}", server_of(login), database, *names))


def database_of(login: PostgresLogin) -> str:
    return login.login_db or (login.connect_params or {}).get("dbname") or "postgres"


def foreseen_state(host: Reader, key: str) -> tuple[bool, Any]:
    """(whether a check has foreseen the key, its state). Raises UnknownReached where only that something happens is foreseen."""
    if not host.has_foreseen(key):
        return False, None
    return True, host.foreseen(key)


def settled(host: Reader, login: PostgresLogin, database: str, *kinds: str) -> None:
    """Raise UnknownReached where a statement that a check did not run may have touched such objects (`TABLE`, `ROLE` ...)."""
    for kind in (*kinds, "ANY"):
        foreseen_state(host, object_key("statement", login, database, kind))
        foreseen_state(host, object_key("statement", login, "", kind))  # roles and databases, from whichever database they were made


def steady(host: Reader, login: PostgresLogin) -> None:
    """Raise UnknownReached where a check has foreseen anything on this server: what a query would read then is not there yet."""
    for key in host.foreseen_under("postgresql"):
        if f":{server_of(login)}:" in key:
            raise UnknownReached(Unknown(f"what the query would read is only foreseen ({key})"))


# -- sessions ------------------------------------------------------------------------------------------------------------


class Session:
    """A logged-in connection; `database` is where it really is, `stand_in` whether that stands for one that is only foreseen."""

    def __init__(self, connection: Connection, database: str) -> None:
        self.connection = connection
        self.database = database
        self.stand_in = False

    @property
    def version(self) -> int:
        """As server_version_num: 150004 is 15.4."""
        major, minor = [*re.findall(r"\d+", self.connection.parameters.get("server_version", "0")), "0"][:2]
        return int(major) * 10000 + int(minor)

    def run(self, sql: str, *params: Any, source: Optional[Source] = None, sink: Optional[Sink] = None) -> list[Answer]:
        """Run SQL with %s replaced; without parameters the text is taken as it is."""
        return self.connection.run(interpolate(sql, params) if params else sql, source=source, sink=sink)

    def query(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        """The rows of a statement as dicts, values converted by their type."""
        answers = self.run(sql, *params)
        return records(answers[-1].columns, answers[-1].rows) if answers else []

    def one(self, sql: str, *params: Any) -> Optional[dict[str, Any]]:
        return next(iter(self.query(sql, *params)), None)

    def value(self, sql: str, *params: Any) -> Any:
        """The first column of the first row, or None."""
        found = self.one(sql, *params)
        return next(iter(found.values())) if found else None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.run("BEGIN")
        try:
            yield
        except BaseException:
            with contextlib.suppress(PgError):
                self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    def apply(self, statements: Sequence[str]) -> None:
        """Run statements in one transaction."""
        with self.transaction():
            for sql in statements:
                self.run(sql)


@contextlib.contextmanager
def session(login: PostgresLogin, host: Reader, database: Optional[str] = None, *, role: bool = True) -> Iterator[Session]:
    """Log in to `database` (default: login_db), as session_role if one is given.

    In a check, a database that is only foreseen is stood in for by what it would be a copy of. Raises Failed with what the server said,
    UnknownReached where the server, the role or the database is there only after a run.
    """
    name = database or database_of(login)
    guard(login)
    kept = _kept(login)
    db = kept.pop((name, role), None)
    try:
        if db is None:
            db = _open(login, host, name)
            if role and login.session_role and not db.stand_in:
                foreseen, state = foreseen_state(host, role_key(login, login.session_role))
                if not (foreseen and state is not None):
                    db.run("SET ROLE " + identifier(login.session_role))
        yield db
    except BaseException as error:
        if db is not None:
            db.connection.close()
        if isinstance(error, PgError):
            raise Failed(f"PostgreSQL at {where(login)}: {error}", sqlstate=error.code) from error
        if isinstance(error, SqlError):
            raise Failed(str(error)) from error
        raise
    kept[(name, role)] = db


def _kept(login: PostgresLogin) -> dict[Any, Session]:
    """Sessions of this one task, to be used again by its next look; they end with it, before the next task begins."""
    found: Optional[dict[Any, Session]] = login.__dict__.get("_sessions")
    if found is None:
        found = {}
        object.__setattr__(login, "_sessions", found)
        weakref.finalize(login, _close_all, found)
    return found


def _close_all(sessions: dict[Any, Session]) -> None:
    for db in sessions.values():
        db.connection.close()
    sessions.clear()


def _open(login: PostgresLogin, host: Reader, name: str) -> Session:
    foreseen, state = foreseen_state(host, database_key(login, name))
    if foreseen and state is None:
        raise Failed(f"database {name} at {where(login)} would not be there any more")
    try:
        return Session(connect(login, host, name), name)
    except PgError as error:
        source: str = getattr(state, "stand_in", "") if foreseen else ""
        if error.code == "3D000" and source:
            return _stand_in(login, host, name, source)
        _unless_foreseen(login, host, error.code)
        raise


def _stand_in(login: PostgresLogin, host: Reader, name: str, source: str) -> Session:
    """A look into what a foreseen database would be made of.

    template0 takes no connections; template1 is its twin until somebody fills it.
    """
    found = Session(connect(login, host, "template1" if source == "template0" else source), source)
    found.stand_in = True
    found.run("SET default_transaction_read_only = on")
    made = "SELECT (SELECT count(*) FROM pg_class WHERE oid >= 16384) + (SELECT count(*) FROM pg_proc WHERE oid >= 16384) AS n"
    if source == "template0" and found.value(made):
        found.connection.close()
        raise UnknownReached(Unknown(f"database {name} is only foreseen"))
    return found


def _unless_foreseen(login: PostgresLogin, host: Reader, code: str) -> None:
    """Where a failed login is due to a role or server that a check has only foreseen, say so instead."""
    name = login.login_user or "postgres"
    if code.startswith("28"):
        foreseen, state = foreseen_state(host, role_key(login, name))
        if foreseen and state is not None:
            raise UnknownReached(Unknown(f"role {name} is only foreseen"))
    for key in ("container:" + login.container, "service:postgres", "package:postgres"):
        if key != "container:":
            _inside.unless_foreseen(host, (key,), f"PostgreSQL at {where(login)}")


def where(login: PostgresLogin) -> str:
    """The server in words."""
    if login.container:
        return f"container {login.container}"
    return f"{named_host(login) or login.login_unix_socket or 'the local socket'} port {login.login_port or PORT}"


def guard(login: PostgresLogin) -> None:
    """trust_input: false refuses what no honest name holds."""
    if login.trust_input:
        return
    for name, value in vars(login).items():
        if name in ("trust_input", "login_password", "password", "query", "positional_args"):
            continue
        texts = [(value, r";|--|/\*|'")] if isinstance(value, str) else []
        if isinstance(value, (list, tuple)):  # its entries may be more than names: a column's default has quotes
            texts = [(text, r";|--|/\*") for text in value if isinstance(text, str)]
        found = next((text for text, wrong in texts if re.search(wrong, text)), None)
        if found is not None:
            raise Failed(f"{name}: '{found}' is potentially dangerous, SQL may be in it: take a name without quotes, or trust_input: true")


# -- connecting ----------------------------------------------------------------------------------------------------------


def connect(login: PostgresLogin, host: Reader, database: str) -> Connection:
    """A logged-in connection. Raises PgError for what the server refuses, Failed where there is none, UnknownReached as `session`."""
    unknown = sorted(set(login.connect_params or {}) - CONNECT_PARAMS)
    if unknown:
        raise Failed(f"connect_params: {', '.join(unknown)} unknown; legal are: {', '.join(sorted(CONNECT_PARAMS))}")
    extra = dict(login.connect_params or {})
    options: dict[str, str] = {name: extra[name] for name in extra if name in ("options", "application_name")}
    options.setdefault("application_name", "nxtplay")
    if host.environ.get("PGOPTIONS"):
        options.setdefault("options", host.environ["PGOPTIONS"])
    timeout = float(extra.get("connect_timeout") or 10) or None
    if login.container:
        return _connect_container(login, host, database, options, timeout)
    address, port = address_of(login, host)
    user = login.login_user or extra.get("user") or host.environ.get("PGUSER") or "postgres"
    password = _password(login, host, user, database, address, port, extra)
    try:
        if not address or address.startswith("/"):
            return _over_socket(login, host, socket_path(host, address, port), timeout, user, database, password, options)
        return _log_in(login, extra, address, port, timeout, user, database, password, options)
    except OSError as error:
        _unless_foreseen(login, host, "")
        raise Failed(_unreachable(address or "the local socket", port, error)) from error


def _unreachable(address: str, port: int, error: OSError) -> str:
    why = "it took too long to answer" if isinstance(error, socket.timeout) else (error.strerror or str(error))
    if isinstance(error, ssl.SSLError):
        return f"PostgreSQL at {address} port {port}: TLS failed: {error}"
    hint = "is it running there? login_host, login_port, login_unix_socket or container say where"
    return f"cannot reach PostgreSQL at {address} port {port}: {why} ({hint})"


def socket_path(host: Reader, address: str, port: int) -> str:
    """The socket file: `address` may be it, its directory, or empty for the usual places."""
    if address and not os.path.isdir(address):
        return address
    places = [os.path.join(place, f".s.PGSQL.{port}") for place in ([address] if address else SOCKET_DIRECTORIES)]
    return next((path for path in places if os.path.exists(path)), places[0])


def _over_socket(
    login: PostgresLogin, host: Reader, path: str, timeout: Optional[float], user: str, database: str, password: Any,
    options: Mapping[str, str],
) -> Connection:  # fmt: skip
    def attempt() -> Connection:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        try:
            sock.connect(path)
            return _begin(sock, user, database, password, options)
        except BaseException:
            sock.close()
            raise

    try:
        return attempt()
    except PgError as error:
        uid = _inside.as_user(user)
        if error.code != "28000" or "eer authentication" not in str(error) or uid is None:
            raise
    # Peer authentication asks who we are at the moment of connecting; root may be anybody, so no become_user is needed.
    os.seteuid(uid)
    try:
        return attempt()
    finally:
        os.seteuid(0)


def _log_in(
    login: PostgresLogin, extra: Mapping[str, str], address: str, port: int, timeout: Optional[float],
    user: str, database: str, password: Any, options: Mapping[str, str],
) -> Connection:  # fmt: skip
    mode = extra.get("sslmode", login.ssl_mode)
    settings = {
        "ca": extra.get("sslrootcert", login.ca_cert),
        "cert": extra.get("sslcert", login.ssl_cert),
        "key": extra.get("sslkey", login.ssl_key),
    }
    settings = {name: path and os.path.expanduser(path) for name, path in settings.items()}

    def attempt(tls: bool) -> Connection:
        sock = socket.create_connection((address, port), timeout=timeout)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return _begin(secure(sock, address, mode, settings) if tls else sock, user, database, password, options)
        except BaseException:
            sock.close()
            raise

    if mode not in ("allow", "prefer"):
        return attempt(mode != "disable")
    first = mode == "prefer"
    try:
        return attempt(first)
    except PgError as error:
        if error.code != "28000":  # pg_hba.conf refuses this kind of connection: libpq tries the other one
            raise
    return attempt(not first)


def _begin(sock: Any, user: str, database: str, password: Any, options: Mapping[str, str]) -> Connection:
    found = Connection(sock, user, database, password=password, options=options)
    sock.settimeout(None)
    return found


def _connect_container(
    login: PostgresLogin, host: Reader, database: str, options: Mapping[str, str], timeout: Optional[float]
) -> Connection:
    place = _inside.find(host, login.container)
    port = login.login_port or PORT
    user = login.login_user or place.environ.get("POSTGRES_USER") or "postgres"
    found = login.login_password if login.login_password is not None else _inside.secret_of(host, place, "POSTGRES_PASSWORD")
    password = (lambda: str(found)) if found is not None else None
    if password is not None and not login.login_unix_socket:
        sock = _inside.connect(place, port)
        if sock is not None:
            sock.settimeout(timeout)
            try:
                return _begin(sock, user, database, password, options)
            except PgError as error:
                sock.close()
                if error.code != "28P01" or login.login_password is not None:
                    raise  # else: the image's own password is for its first role only; inside, others are often trusted
    relayed = _inside.relay(host, place, port, login.login_unix_socket)
    relayed.settimeout(timeout)
    try:
        return _begin(relayed, user, database, password, options)
    except PgError as error:
        relayed.close()
        if error.code != "08006":
            raise
        _unless_foreseen(login, host, "")
        raise Failed(f"cannot reach PostgreSQL inside container {login.container}: nothing answers at port {port}") from error


def _password(login: PostgresLogin, host: Reader, user: str, database: str, address: str, port: int, extra: Mapping[str, str]) -> Any:
    """A function that gives the password when the server asks for one, or None where there is none to give."""
    given = login.login_password if login.login_password is not None else extra.get("password", host.environ.get("PGPASSWORD"))
    if given is None:
        given = pgpass(host, address if address and not address.startswith("/") else "localhost", port, database, user)
    return None if given is None else (lambda: str.__str__(given))


def pgpass(host: Reader, *wanted: object) -> Optional[str]:
    """The password that libpq's password file has for (host, port, database, user); a file others may read is not trusted."""
    path = host.environ.get("PGPASSFILE") or os.path.expanduser("~/.pgpass")
    try:
        if os.stat(path).st_mode & 0o077:
            return None
        with open(path, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except OSError:
        return None
    for line in lines:
        fields = [re.sub(r"\\(.)", r"\1", field) for field in re.findall(r"((?:\\.|[^:\\])*)(?::|$)", line)]
        if len(fields) >= 5 and not line.startswith("#") and all(f in ("*", str(w)) for f, w in zip(fields, wanted)):
            return fields[4]
    return None
