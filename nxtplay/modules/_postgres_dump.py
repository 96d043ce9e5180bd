"""Dumps of a database and the way back: streamed through pg_dump and pg_restore, never over a good file, never with errors passed over.

pg_dump runs where the server is (`container`), or on this host against it; whatever it writes goes through one sink that compresses,
hashes and watches it. The dump, its row counts and its schema are of one snapshot, so they can be compared after any restore.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shlex
import threading
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.modules import _inside, _pipe
from nxtplay.modules import _postgres as postgres
from nxtplay.modules._postgres import PostgresLogin, Session, session
from nxtplay.modules._postgres_census import Census, take_census
from nxtplay.modules._postgres_types import identifier

CUSTOM = (".dump", ".pgc", ".backup")
COMPRESSED = (".gz", ".bz2", ".xz")
_PART = r'"(?:[^"]|"")*"|[^".]+'
_COPY = re.compile(rb'^COPY ((?:"(?:[^"]|"")*"|[^". ]+)\.(?:"(?:[^"]|"")*"|[^". ]+)) \(.*\) FROM stdin;$', re.M)
TRAILER = b"-- PostgreSQL database dump complete"


@dataclass(frozen=True)
class Format:
    """What a file's name says of it: `kind` is custom, tar or plain; `packing` is "", gz, bz2 or xz."""

    kind: str
    packing: str


def format_of(path: str) -> Format:
    """From the suffix. Failed for one that says nothing."""
    stem, packing = os.path.splitext(path)
    if packing not in COMPRESSED:
        stem, packing = path, ""
    suffix = os.path.splitext(stem)[1]
    if suffix in CUSTOM:
        return Format("custom", packing[1:])
    if suffix == ".tar":
        return Format("tar", packing[1:])
    if suffix == ".sql":
        return Format("plain", packing[1:])
    if suffix == ".dir":
        raise Failed(f"target: {path} is a directory dump, which cannot be streamed; .dump holds the same in one file")
    raise Failed(f"target: '{os.path.basename(path)}' does not say which format; .dump (custom), .tar, .sql, each also with .gz, .bz2, .xz")


# -- programs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Client:
    """How PostgreSQL's own programs reach the server: where they run, as whom, with which environment and options."""

    container: Optional[_inside.Container]
    user: str  # local user to run as, for peer authentication
    env: Mapping[str, str] = field(repr=False)
    options: tuple[str, ...]

    def argv(self, program: str, *words: str) -> list[str]:
        return [program, *self.options, "--no-password", *words]

    @staticmethod
    def database(name: str) -> str:
        """The option that names a database, whatever its name is: one with = or :// would be read as a connection string."""
        return "--dbname=dbname='{}'".format(name.replace("\\", "\\\\").replace("'", "\\'"))


def client(login: PostgresLogin, host: Reader, tag: str = "nxtplay") -> Client:
    """Raises Failed where the programs are nowhere to be had."""
    env = {"PGAPPNAME": tag, "PGCONNECT_TIMEOUT": "10"}
    if login.container:
        place = _inside.find(host, login.container)
        user = login.login_user or place.environ.get("POSTGRES_USER") or "postgres"
        given = login.login_password if login.login_password is not None else _inside.secret_of(host, place, "POSTGRES_PASSWORD")
        if given is not None:
            env["PGPASSWORD"] = str.__str__(given)
        # By socket, which the image trusts for its first role; a password that was given counts over TCP.
        address = login.login_unix_socket or ("127.0.0.1" if login.login_password is not None else "")
        options = [*([f"--host={address}"] if address else []), f"--port={login.login_port or postgres.PORT}", f"--username={user}"]
        return Client(place, "", env, tuple(options))
    extra = dict(login.connect_params or {})
    address, port = postgres.address_of(login, host)
    user = login.login_user or extra.get("user") or host.environ.get("PGUSER") or "postgres"
    local = not address or address.startswith("/")
    if local:
        address = os.path.dirname(postgres.socket_path(host, address, port))
    password = postgres._password(login, host, user, "*", address, port, extra)
    if password is not None:
        env["PGPASSWORD"] = password()
    named = {"PGSSLMODE": extra.get("sslmode", login.ssl_mode), "PGSSLROOTCERT": login.ca_cert, "PGSSLCERT": login.ssl_cert}
    env.update({name: str(value) for name, value in {**named, "PGSSLKEY": login.ssl_key}.items() if value})
    # Peer authentication looks at who runs the program; root may be anybody.
    return Client(None, user if local and password is None else "", env, (f"--host={address}", f"--port={port}", f"--username={user}"))


def need(host: Reader, login: PostgresLogin, *programs: str) -> None:
    """Failed unless the programs are there: in the container, or on this host."""
    if login.container:
        return  # an image of a server brings its programs
    missing = [program for program in programs if host.which(program) is None]
    if missing:
        raise Failed(
            f"no {missing[0]} on this host: `apt-get install postgresql-client`, or say in which container the server runs (container:)"
        )


# -- dump ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dumped:
    """A dump that is complete and in place."""

    path: str
    size: int
    sha256: str
    census: Optional[Census]
    server_version: str


def dump(login: PostgresLogin, host: Host, database: str, target: str, *, options: Sequence[str] = (), census: bool = True) -> Dumped:
    """Dump `database` to the file `target`, which is replaced only when the dump is whole.

    With `census`, rows are counted and the schema is hashed at the dump's own snapshot, and a dump that lacks one of the tables is refused.
    """
    form = format_of(target)
    need(host, login, "pg_dump", *(["pg_restore"] if form.kind != "plain" else []))
    tag = f"nxtplay-dump-{secrets.token_hex(4)}"
    with session(login, host, database) as db:
        db.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        db.run("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
        snapshot = str(db.value("SELECT pg_export_snapshot() AS s"))
        version = str(db.value("SHOW server_version"))
        program = client(login, host, tag)
        words = [f"--format={form.kind}", f"--snapshot={snapshot}", *([f"--role={login.session_role}"] if login.session_role else [])]
        if form == Format("plain", "gz"):
            words.append("--compress=6")  # it compresses faster than we would
        argv = program.argv("pg_dump", *words, *options, program.database(database))
        watch = _Watch(form)
        counted: Optional[Census] = None

        def fill(stream: Any) -> None:
            nonlocal counted
            write = _Writer(stream, watch, form)
            counting: Optional[_Counting] = None

            def take(data: bytes) -> None:
                nonlocal counting
                if census and counting is None:  # not before pg_dump has locked its tables: it would wait for whoever waits for us
                    counting = _Counting(db)
                write.take(data)

            try:
                _run(host, program, argv, sink=take, what=f"pg_dump of {database}")
                write.finish()
                counted = counting.census() if counting else None
            except BaseException:
                _end_sessions(login, host, tag, counting.pid if counting else 0)
                if counting:
                    counting.join(_pipe.PATIENCE)
                raise

        def inspect(temporary: str) -> None:
            complete(host, program, form, temporary, watch, counted if not options else None)

        host.replace_with(target, fill, mode=_mode_of(target), inspect=inspect)
        host.note(executed_commands=[shlex.join(argv)])
        db.run("COMMIT")
    _sync_directory(target)
    return Dumped(target, watch.size, watch.sha256.hexdigest(), counted, version)


class _Counting(threading.Thread):
    """Takes the census while pg_dump runs: by the session that lent it its snapshot, which would only wait."""

    def __init__(self, db: Session) -> None:
        super().__init__(daemon=True)
        self.pid = int(db.value("SELECT pg_backend_pid() AS n"))
        self._db = db
        self._found: Optional[Census] = None
        self._failed: Optional[BaseException] = None
        self.start()

    def run(self) -> None:
        try:
            self._found = take_census(self._db)
        except BaseException as error:
            self._failed = error

    def census(self) -> Census:
        """When it is done; raises what stopped it."""
        self.join()
        if self._found is None:
            assert self._failed is not None
            raise self._failed
        return self._found


def _mode_of(target: str) -> Optional[int]:
    return None if os.path.exists(target) else 0o600


def _sync_directory(path: str) -> None:
    handle = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Watch:
    """What passes by while a dump is written: size and hash of the file, and of a plain dump its tables and its last lines."""

    def __init__(self, form: Format) -> None:
        self.size = 0
        self.sha256 = hashlib.sha256()
        self.tables: set[str] = set()
        self.tail = b""
        self._plain = form.kind == "plain"
        self._rest = b""

    def file(self, data: bytes) -> None:
        self.size += len(data)
        self.sha256.update(data)

    def text(self, data: bytes) -> None:
        """The dump itself, before it is compressed."""
        self.tail = (self.tail + data)[-4096:]
        if not self._plain:
            return
        lines = self._rest + data
        end = lines.rfind(b"\n") + 1
        for name in _COPY.findall(lines, 0, end):
            self.tables.add(name.decode("utf-8", "replace"))
        self._rest = lines[end:][-65536:]


class _Writer:
    """Takes pg_dump's output, compresses it if need be, and writes it."""

    def __init__(self, stream: Any, watch: _Watch, form: Format) -> None:
        self._stream, self._watch = stream, watch
        self._pack = packer(form.packing) if form.packing and form != Format("plain", "gz") else None
        self._unpack = unpacker("gz") if form == Format("plain", "gz") else None

    def take(self, data: bytes) -> None:
        self._watch.text(self._unpack(data) if self._unpack else data)
        self._write(self._pack.compress(data) if self._pack else data)

    def finish(self) -> None:
        if self._pack:
            self._write(self._pack.flush())

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._watch.file(data)


def packer(packing: str) -> Any:
    """Something with compress(bytes) and flush()."""
    if packing == "gz":
        import zlib

        return zlib.compressobj(6, wbits=31)
    if packing == "bz2":
        import bz2

        return bz2.BZ2Compressor()
    import lzma

    return lzma.LZMACompressor()


def unpacker(packing: str) -> Callable[[bytes], bytes]:
    """A function from pieces of a compressed stream to pieces of the plain one."""
    if packing == "gz":
        import zlib

        found = zlib.decompressobj(wbits=31)
        return found.decompress
    if packing == "bz2":
        import bz2

        return bz2.BZ2Decompressor().decompress
    import lzma

    return lzma.LZMADecompressor().decompress


def unpacked(path: str, packing: str) -> Iterable[bytes]:
    """A file's content, decompressed; Failed where it ends too early or is damaged."""
    import zlib

    if not packing:
        yield from _pipe.chunks(path)
        return
    opened = _opener(packing)
    try:
        with opened(path, "rb") as stream:
            while True:
                piece = stream.read(_pipe.CHUNK)
                if not piece:
                    return
                yield piece
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise Failed(f"{path} is damaged: {error}") from error


def _opener(packing: str) -> Any:
    if packing == "gz":
        import gzip

        return gzip.open
    if packing == "bz2":
        import bz2

        return bz2.open
    import lzma

    return lzma.open


def _run(
    host: Reader, program: Client, argv: Sequence[str], *, what: str, source: Optional[Iterable[bytes]] = None,
    sink: Optional[_pipe.Sink] = None,
) -> None:  # fmt: skip
    code, said = _pipe.through(host, argv, container=program.container, env=program.env, user=program.user, source=source, sink=sink)
    if code != 0:
        how = f"was ended by signal {abs(code) if code < 0 else code - 128}" if code < 0 or code > 128 else f"ended with {code}"
        raise Failed(f"{what} failed: {argv[0]} {how}{': ' + said[-1500:] if said else ''}", rc=code, stderr=said)


def _end_sessions(login: PostgresLogin, host: Reader, tag: str, pid: int = 0) -> None:
    """End what a program of ours left running in the server, which ends the program; and the session `pid` of our own."""
    try:
        with session(login, host, "postgres", role=False) as db:
            db.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s OR pid = %s", tag, pid)
    except Failed:
        pass  # the server is gone, and its programs with it


# -- whole or not --------------------------------------------------------------------------------------------------------


def complete(
    host: Reader, program: Client, form: Format, path: str, watch: Optional[_Watch] = None, census: Optional[Census] = None
) -> list[str]:
    """Failed unless the dump at `path` reads as a whole one (and has data of every table of the census). The table of contents."""
    if form.kind == "plain":
        if watch is None:
            watch = _Watch(form)
            for piece in unpacked(path, form.packing):
                watch.text(piece)
        if TRAILER not in watch.tail:
            raise Failed(f"the dump is cut off: its last line is not '{TRAILER.decode()}'")
        missing = [t for t in (census.tables if census else ()) if t not in watch.tables]
        entries = sorted(watch.tables)
    else:
        entries = contents(host, program, form, path)
        missing = [t for t in (census.tables if census else ()) if not _has_data(entries, t)]
    if missing:
        raise Failed(f"the dump lacks the data of {len(missing)} tables: {', '.join(missing[:10])}")
    return entries


def contents(host: Reader, program: Client, form: Format, path: str) -> list[str]:
    """The table of contents of an archive, as pg_restore lists it."""
    listed: list[bytes] = []
    _run(host, program, ["pg_restore", "--list"], source=unpacked(path, form.packing), sink=listed.append, what=f"reading {path}")
    lines = b"".join(listed).decode("utf-8", "replace").splitlines()
    return [line.partition("; ")[2] for line in lines if line and not line.startswith(";")]


def _has_data(entries: Sequence[str], table: str) -> bool:
    schema, name = (part[1:-1].replace('""', '"') if part[0] == '"' else part for part in re.findall(_PART, table))
    wanted = f" TABLE DATA {schema} {name} "  # pg_restore lists names bare
    return any(wanted in entry for entry in entries)


# -- restore -------------------------------------------------------------------------------------------------------------


def obstacle(db: Session) -> Optional[str]:
    """What a database holds already, in words; None where it is empty enough to restore into."""
    found = db.value(
        "SELECT count(*) AS n FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')"
        " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
        " AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"
    )
    return f"{found} tables" if found else None


def restore(login: PostgresLogin, host: Host, database: str, target: str, *, options: Sequence[str] = ()) -> Optional[list[str]]:
    """Restore the file `target` into `database`, all of it or nothing. The archive's table of contents."""
    form = format_of(target)
    need(host, login, "psql" if form.kind == "plain" else "pg_restore")
    tag = f"nxtplay-restore-{secrets.token_hex(4)}"
    program = client(login, host, tag)
    entries = complete(host, program, form, target)  # before anything is touched
    role = [f"--role={login.session_role}"] if login.session_role else []
    if form.kind == "plain":
        argv = program.argv("psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null")
        argv += [*options, program.database(database)]
        source = _with_public(unpacked(target, form.packing))
        if login.session_role:
            source = _chained(f"SET ROLE {identifier(login.session_role)};\n".encode(), source)
    else:
        argv = program.argv("pg_restore", "--exit-on-error", "--single-transaction", f"--format={form.kind}", *role, *options)
        argv.append(program.database(database))
        source = unpacked(target, form.packing)
    try:
        host.note(executed_commands=[shlex.join(argv)])
        _run(host, program, argv, source=source, what=f"restoring {target} into {database}")
    except BaseException:
        _end_sessions(login, host, tag)
        raise
    return entries


def _with_public(source: Iterable[bytes]) -> Iterable[bytes]:
    """A dump of `-n public` makes the schema that every database has; that alone is no reason to refuse it."""
    pieces = iter(source)
    front = b""
    for piece in pieces:
        front += piece
        if len(front) >= 1 << 16:
            break
    after = re.search(rb"\nCREATE (?!SCHEMA )|\nCOPY ", front)  # schemas come first
    end = after.start() if after else len(front)
    yield front[:end].replace(b"\nCREATE SCHEMA public;\n", b"\nCREATE SCHEMA IF NOT EXISTS public;\n", 1) + front[end:]
    yield from pieces


def _chained(first: bytes, rest: Iterable[bytes]) -> Iterable[bytes]:
    yield first
    yield from rest
