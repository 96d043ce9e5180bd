"""YAML to values that know their place: YamlMap, YamlList and plain scalars, resolved as YAML 1.1 like Ansible does.

The values are built from the parser's events, not from a tree of nodes: four times faster, and the depth and the size that aliases can
unfold to are bounded while reading, so that no file can exhaust the stack or the memory. Of a wrong file the first fault is reported.
"""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Callable
from typing import Any

from nxtplay.errors import Diagnostic, PlaybookErrors, Span
from nxtplay.opening import opened
from nxtplay.playbook.model import YamlList, YamlMap
from nxtplay.template.values import Encrypted, Unsafe

__all__ = ["Encrypted", "Unsafe", "parse", "read", "read_text"]

MAX_SIZE = 16 * 1024 * 1024  # bytes of a file
MAX_DEPTH = 150  # of nested mappings and sequences
MAX_UNFOLDED = 1_000_000  # values that all aliases of a file may stand for together

VAULT_HEADER = "$ANSIBLE_VAULT;"
_YAML = "tag:yaml.org,2002:"
_SCALAR_TAGS = frozenset(_YAML + name for name in ("str", "int", "float", "bool", "null", "timestamp", "binary"))
_VAULT_TAGS = ("!vault", "!vault-encrypted")
_REMEDY_TAG = "known tags: !vault, !unsafe, !!str, !!int, !!float, !!bool, !!null, !!binary"


def read(path: str | os.PathLike[str], *, decrypt: Callable[[str, str], str] | None = None) -> Any:
    """The value in a file: YamlMap, YamlList, a scalar, or None when it holds nothing.

    A file that is vault-encrypted as a whole is handed to `decrypt(text, path) -> text`; without one it is an error.
    Raises PlaybookErrors with the place of the fault: file missing or unreadable, not UTF-8, not YAML.
    """
    name = os.fspath(path)
    return parse(read_text(name, decrypt=decrypt), name)


def read_text(path: str, *, decrypt: Callable[[str, str], str] | None = None) -> str:
    """The text of a file, without a byte order mark; decrypted when it is a vault. Raises PlaybookErrors."""
    try:
        with opened(path) as stream:
            raw = stream.read(MAX_SIZE + 1)
    except IsADirectoryError:
        raise PlaybookErrors(Diagnostic(f"{path} is a directory, a file was expected")) from None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL byte
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise PlaybookErrors(Diagnostic(f"cannot read {path!r}: {reason.lower()}")) from None
    if len(raw) > MAX_SIZE:
        message = f"the file is larger than {MAX_SIZE // 1024 // 1024} MiB, more than a playbook or its variables are"
        raise PlaybookErrors(Diagnostic(message, Span(path, 1, 1), "data may be read when it is needed: lookup('file', ...) | from_json"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = raw.rfind(b"\n", 0, error.start) + 1
        span = Span(path, raw.count(b"\n", 0, error.start) + 1, len(raw[start : error.start].decode("utf-8", "replace")) + 1)
        hint = f"save the file as UTF-8, for example: iconv -f {_guess(raw)} -t UTF-8 {path}"
        raise PlaybookErrors(Diagnostic(f"byte 0x{raw[error.start]:02x} is not UTF-8 text", span, hint)) from None
    if text.startswith(VAULT_HEADER):
        if decrypt is None:
            hint = "give the password: --vault-password-file FILE or --ask-vault-pass"
            raise PlaybookErrors(Diagnostic("the file is encrypted with a vault", Span(path, 1, 1), hint))
        return decrypt(text, path)
    return text


def _guess(raw: bytes) -> str:
    return "UTF-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "ISO-8859-1"


def parse(text: str, file: str) -> Any:
    """The value that a YAML text holds; `file` is named in places and messages. Raises PlaybookErrors."""
    import yaml

    collecting = gc.isenabled()
    gc.disable()  # hundreds of thousands of small objects, none of them garbage: collecting takes four times the parsing
    try:
        return _Composer(text.removeprefix("\ufeff"), file).document()
    except yaml.YAMLError as error:
        from nxtplay.playbook.problems import explain

        raise PlaybookErrors(explain(error, text.removeprefix("\ufeff"), file)) from None
    except UnicodeEncodeError as error:
        span = Span(file, text.count("\n", 0, error.start) + 1)
        raise PlaybookErrors(Diagnostic("a lone surrogate is not a character", span)) from None
    finally:
        if collecting:
            gc.enable()


def fault(message: str, span: Span, hint: str = "", *notes: tuple[str, Span | None]) -> PlaybookErrors:
    """One located finding, ready to raise."""
    return PlaybookErrors(Diagnostic(message, span, hint, notes=notes))


@functools.cache
def _resolvers() -> tuple[dict[str, list[tuple[str, Any]]], Callable[[str, str], Any]]:
    """YAML 1.1's implicit types by first character, and the function that makes a value of (tag, text)."""
    import yaml

    constructor = yaml.constructor.SafeConstructor()
    makers = constructor.yaml_constructors

    def make(tag: str, text: str) -> Any:
        return makers[tag](constructor, yaml.ScalarNode(tag, text))

    table = {
        first: [(tag, regexp) for tag, regexp in pairs if tag in _SCALAR_TAGS]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
        if first is not None
    }
    return table, make


class _Composer:
    """Builds the one value of a document out of the parser's events."""

    def __init__(self, text: str, file: str) -> None:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self.next: Callable[[], Any] = loader(text).get_event
        self.kinds = (yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent)
        self.text = text
        self.file = file
        self.depth = 0
        self.unsafe = 0  # how many enclosing collections are tagged !unsafe
        self.made = 0  # values so far, aliases unfolded
        self.unfolded = 0
        self.anchors: dict[str, tuple[Any, int]] = {}  # name -> value, how many values it stands for
        self.open: set[str] = set()  # anchors of collections not yet complete
        self.plain: dict[str, Any] = {}  # plain scalars met so far
        self.resolvers, self.make = _resolvers()

    def span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        line = start.line
        return Span(self.file, line + 1, start.column + 1, end.column + 1 if end.line == line else 0)

    def document(self) -> Any:
        self.next()  # stream start
        event = self.next()
        if not hasattr(event, "explicit"):  # stream end: nothing in the file
            return None
        value = self.node(self.next())
        self.next()  # document end
        event = self.next()
        if hasattr(event, "explicit"):
            hint = "one file holds one document: remove the '---' or put the rest into a file of its own"
            raise fault("a second document starts here", self.span(event), hint)
        return value

    def node(self, event: Any) -> Any:
        self.made += 1
        kind = type(event)
        scalar, mapping, sequence = self.kinds
        if kind is scalar:
            value = self.scalar(event)
            if event.anchor:
                self.anchors[event.anchor] = (value, 1)
            return value
        if kind is not mapping and kind is not sequence:
            return self.alias(event)
        before, anchor, tag = self.made, event.anchor, event.tag
        if anchor:
            self.open.add(anchor)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise fault(f"nested more than {MAX_DEPTH} levels deep", self.span(event), "unfold the structure")
        unsafe = tag == "!unsafe"
        self.unsafe += unsafe
        value = self.mapping(event) if kind is mapping else self.sequence(event)
        self.unsafe -= unsafe
        self.depth -= 1
        if anchor:
            self.open.discard(anchor)
            self.anchors[anchor] = (value, self.made - before + 1)
        if tag is not None and not unsafe:
            self.check_collection_tag(event, tag, "map" if kind is mapping else "seq")
        return value

    def alias(self, event: Any) -> Any:
        name = event.anchor
        found = self.anchors.get(name)
        if name in self.open:
            raise fault(f"alias '*{name}' stands inside the value it names", self.span(event), "a value cannot contain itself")
        if found is None:
            from nxtplay.errors import did_you_mean

            hint = did_you_mean(name, self.anchors) or f'write &{name} before the value that is meant, or quote the text: "*{name}"'
            raise fault(f"alias '*{name}' names no anchor above it", self.span(event), hint)
        value, weight = found
        self.made += weight - 1
        self.unfolded += weight
        if self.unfolded > MAX_UNFOLDED:
            raise fault(f"the aliases unfold to more than {MAX_UNFOLDED:,} values", self.span(event), "use fewer nested aliases")
        return value

    def scalar(self, event: Any) -> Any:
        text: str = event.value
        tag = event.tag
        if tag is None or tag == "!":
            if event.implicit[0] and tag is None:  # plain, neither quoted nor tagged
                try:
                    value = self.plain[text]
                except KeyError:
                    value = self.plain[text] = self.resolve(text)
            else:
                value = text
            return Unsafe(value) if self.unsafe and isinstance(value, str) else value
        if tag == "!unsafe":
            return Unsafe(text)
        if tag in _VAULT_TAGS:
            if not text.lstrip().startswith(VAULT_HEADER):
                hint = "paste the output of `nxtplay vault encrypt-string` or `ansible-vault encrypt_string` below the tag"
                raise fault(f"{tag} is not followed by an encrypted text", self.span(event), hint)
            return Encrypted(text)
        if tag not in _SCALAR_TAGS:
            raise self.unknown_tag(event, tag)
        try:
            value = self.make(tag, text)
            return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value  # templates and arguments are text
        except Exception:  # whatever a conversion raises, the text is not of that type
            raise fault(f"{text!r} is not a {tag.removeprefix(_YAML)}", self.span(event), "remove the tag or mend the value") from None

    def resolve(self, text: str) -> Any:
        for tag, regexp in self.resolvers.get(text[:1], ()):
            if regexp.match(text):
                try:
                    return self.make(tag, text)
                except (ValueError, OverflowError):  # looks like a number or a date but is none (2020-13-45)
                    return text
        return text

    def sequence(self, event: Any) -> YamlList:
        value = YamlList(span=self.span(event))
        places = value.items_at
        take, node = self.next, self.node
        event = take()
        while not self.ends(event):
            places.append(self.span(event))
            value.append(node(event))
            event = take()
        return value

    def ends(self, event: Any) -> bool:
        return not hasattr(event, "anchor")  # only the ends of collections carry none

    def mapping(self, event: Any) -> YamlMap:
        value = YamlMap(span=self.span(event))
        keys_at, values_at = value.keys_at, value.values_at
        take, node = self.next, self.node
        merges: list[tuple[Any, Span]] = []
        event = take()
        while not self.ends(event):
            place = self.span(event)
            merge = type(event) is self.kinds[0] and event.value == "<<" and event.implicit[0]
            key = node(event)
            event = take()
            if merge:
                merges.append((node(event), self.span(event)))
            else:
                try:
                    known = key in value
                except TypeError:
                    raise self.complex_key(place) from None
                if known:
                    hint = "remove one of the two, or put both values under one key"
                    raise fault(f"duplicate key {_shown(key)}", place, hint, ("the first one is here", keys_at[key]))
                keys_at[key] = place
                values_at[key] = self.span(event)
                value[key] = node(event)
            event = take()
        if merges:
            self.merge(value, merges)
        return value

    def merge(self, value: YamlMap, merges: list[tuple[Any, Span]]) -> None:
        """Applies `<<`: own keys win, in a list of mappings the first; merged keys keep the place they were written at."""
        own = dict(value)
        value.clear()
        keys_at, values_at = dict(value.keys_at), dict(value.values_at)
        for source, place in merges:
            for given in reversed(source if isinstance(source, YamlList) else [source]):
                if not isinstance(given, YamlMap):
                    raise fault("'<<' merges a mapping or a list of mappings", place, "name an anchored mapping: <<: *name")
                self.made += len(given)
                self.unfolded += len(given)
                value.update(given)
                value.keys_at.update(given.keys_at)
                value.values_at.update(given.values_at)
        if self.unfolded > MAX_UNFOLDED:
            raise fault(f"the aliases unfold to more than {MAX_UNFOLDED:,} values", merges[0][1], "use fewer nested aliases")
        value.update(own)
        value.keys_at.update(keys_at)
        value.values_at.update(values_at)

    def complex_key(self, place: Span) -> PlaybookErrors:
        from nxtplay.playbook.problems import line_at, quoted_jinja

        line = line_at(self.text, place.line)
        # `x: {{ y }}` is read as a mapping whose key is a mapping; the caret belongs under the outer brace
        outer = line.rfind("{{", 0, place.column)
        if outer >= 0:
            return fault("a value that starts with {{ must be in quotes", Span(self.file, place.line, outer + 1), quoted_jinja(line))
        return fault("a mapping or list cannot be a key", place, "write a plain word before the colon")

    def check_collection_tag(self, event: Any, tag: str, kind: str) -> None:
        if tag not in (_YAML + kind, "!"):
            raise self.unknown_tag(event, tag)

    def unknown_tag(self, event: Any, tag: str) -> PlaybookErrors:
        shown = tag.replace(_YAML, "!!")
        what = "python objects are never built from a file" if "python" in tag else _REMEDY_TAG
        return fault(f"tag {shown} cannot be used here", self.span(event), what)


def _shown(key: Any) -> str:
    return f"'{key}'" if isinstance(key, str) else repr(key)
