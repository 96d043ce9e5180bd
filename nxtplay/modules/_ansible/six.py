"""`ansible.module_utils.six`, as far as modules that also ran on Python 2 use it; here there is Python 3 alone."""

from __future__ import annotations

import builtins
import configparser
import functools
import html.parser
import http.client
import http.cookiejar
import http.cookies
import io
import itertools
import pickle
import queue
import shlex
import sys
import types
import urllib
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Iterator, Mapping

PY2, PY3, PY34 = False, True, True
string_types, integer_types, class_types = (str,), (int,), (type,)
text_type, binary_type = str, bytes
BytesIO, StringIO = io.BytesIO, io.StringIO
unichr, next, callable = chr, builtins.next, builtins.callable
MAXSIZE = sys.maxsize
wraps = functools.wraps


def iteritems(mapping: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    return iter(mapping.items())


def iterkeys(mapping: Mapping[Any, Any]) -> Iterator[Any]:
    return iter(mapping.keys())


def itervalues(mapping: Mapping[Any, Any]) -> Iterator[Any]:
    return iter(mapping.values())


def b(text: str) -> bytes:
    return text.encode("latin-1")


def u(text: str) -> str:
    return text


def ensure_str(value: Any, encoding: str = "utf-8", errors: str = "strict") -> str:
    return value.decode(encoding, errors) if isinstance(value, bytes) else value


ensure_text = ensure_str


def ensure_binary(value: Any, encoding: str = "utf-8", errors: str = "strict") -> bytes:
    return value.encode(encoding, errors) if isinstance(value, str) else value


def reraise(kind: Any, value: Any, traceback: Any = None) -> None:
    raise (kind() if value is None else value).with_traceback(traceback)


def raise_from(value: BaseException, cause: Any) -> None:
    raise value from cause


def with_metaclass(meta: type, *bases: type) -> type:
    """A base whose subclasses are made by `meta`."""
    return types.new_class("with_metaclass", bases, {"metaclass": meta})


def add_metaclass(meta: type) -> Any:
    """A decorator that makes a class anew by `meta`."""

    def made(cls: type) -> type:
        body = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
        return meta(cls.__name__, cls.__bases__, body)  # type: ignore[no-any-return]

    return made


def python_2_unicode_compatible(cls: type) -> type:
    return cls


def _moves() -> types.ModuleType:
    """`six.moves` with what moved between the versions."""
    found = types.ModuleType(f"{__name__}.moves")
    found.__path__ = []
    modules = {
        "builtins": builtins,
        "configparser": configparser,
        "cPickle": pickle,
        "html_parser": html.parser,
        "http_client": http.client,
        "http_cookiejar": http.cookiejar,
        "http_cookies": http.cookies,
        "queue": queue,
        "urllib": urllib,
        "urllib.error": urllib.error,
        "urllib.parse": urllib.parse,
        "urllib.request": urllib.request,
        "urllib_parse": urllib.parse,
        "urllib_error": urllib.error,
    }
    values = {
        "filter": filter,
        "filterfalse": itertools.filterfalse,
        "input": input,
        "map": map,
        "range": range,
        "xrange": range,
        "reduce": functools.reduce,
        "shlex_quote": shlex.quote,
        "StringIO": io.StringIO,
        "cStringIO": io.StringIO,
        "zip": zip,
        "zip_longest": itertools.zip_longest,
    }
    for name, module in modules.items():
        sys.modules[f"{found.__name__}.{name}"] = module
    for name, value in {**modules, **values}.items():
        if "." not in name:
            setattr(found, name, value)
    sys.modules[found.__name__] = found
    return found


moves = _moves()
