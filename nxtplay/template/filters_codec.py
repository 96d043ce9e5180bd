"""Filters that encode, decode and hash."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.errors import TemplateError
from nxtplay.template.filters_text import text
from nxtplay.template.lazy import finish
from nxtplay.template.values import OMIT


def _plain(value: Any) -> Any:
    """What json cannot write by itself."""
    if isinstance(value, Unknown):
        raise UnknownReached(value)
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    if value is OMIT:
        raise TemplateError("'omit' has no JSON form")
    raise TemplateError(f"a {type(value).__name__} has no JSON form")


def to_json(value: Any, **options: Any) -> str:
    for ours in ("vault_to_text", "preprocess_unsafe", "profile"):
        options.pop(ours, None)
    return json.dumps(finish(value), default=_plain, **options)


def to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True, **options: Any) -> str:
    options.setdefault("separators", (",", ": "))
    return to_json(value, indent=indent, sort_keys=sort_keys, **options)


def tojson(value: Any, indent: int | None = None) -> str:
    """JSON that may stand in HTML."""
    out = to_json(value, indent=indent, sort_keys=True)
    for character in "<>&'":
        out = out.replace(character, f"\\u{ord(character):04x}")
    return out


def from_json(value: Any, **options: Any) -> Any:
    options.pop("profile", None)
    try:
        return json.loads(text(value), **options)
    except ValueError as error:
        raise TemplateError(f"from_json: the text is no JSON: {error}") from None


def _dumper() -> Any:
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    class Dumper(base):  # type: ignore[misc]
        def represent_data(self, data: Any) -> Any:
            if isinstance(data, Unknown):
                raise UnknownReached(data)
            return super().represent_data(data)

    def as_text(dumper: Any, value: Any) -> Any:
        return dumper.represent_str(str(value))

    Dumper.add_multi_representer(str, as_text)
    Dumper.add_multi_representer(dict, lambda dumper, value: dumper.represent_dict(dict(value)))
    Dumper.add_multi_representer(list, lambda dumper, value: dumper.represent_list(list(value)))
    return Dumper


def to_yaml(value: Any, default_flow_style: bool | None = None, **options: Any) -> str:
    import yaml

    for ours in ("vault_to_text", "redact_sensitive_values", "dump_vault_tags"):
        options.pop(ours, None)
    options.setdefault("allow_unicode", True)
    out = str(yaml.dump(finish(value), Dumper=_dumper(), default_flow_style=default_flow_style, **options))
    return out.removesuffix("...\n")


def to_nice_yaml(value: Any, indent: int = 4, default_flow_style: bool = False, **options: Any) -> str:
    return to_yaml(value, indent=indent, default_flow_style=default_flow_style, **options)


def _loader() -> Any:
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def from_yaml(value: Any) -> Any:
    import yaml

    if not isinstance(value, (str, bytes)):
        return value
    try:
        return yaml.load(value, Loader=_loader())
    except yaml.YAMLError as error:
        raise TemplateError(f"from_yaml: the text is no YAML: {error}") from None


def from_yaml_all(value: Any) -> Any:
    import yaml

    return list(yaml.load_all(value, Loader=_loader())) if isinstance(value, (str, bytes)) else value


def _bytes(value: Any, encoding: str = "utf-8") -> bytes:
    return value if isinstance(value, bytes) else text(value).encode(encoding, "surrogateescape")


def b64encode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    return (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(_bytes(value, encoding)).decode("ascii")


def b64decode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    return (base64.urlsafe_b64decode if urlsafe else base64.b64decode)(_bytes(value)).decode(encoding, "surrogateescape")


def hashed(value: Any, hashtype: str = "sha1") -> str:
    try:
        return hashlib.new(hashtype, _bytes(value)).hexdigest()
    except ValueError:
        known = ", ".join(sorted(n for n in hashlib.algorithms_available if "shake" not in n))
        raise TemplateError(f"hash: there is no algorithm '{hashtype}'; there are {known}") from None


def checksum(value: Any) -> str:
    return hashed(value, "sha1")


def md5(value: Any) -> str:
    return hashed(value, "md5")


_NAMESPACE = uuid.UUID("361E6D51-FAEC-444A-9079-341386DA8E2E")  # the one `to_uuid` is known by


def to_uuid(value: Any, namespace: Any = _NAMESPACE) -> str:
    if not isinstance(namespace, uuid.UUID):
        try:
            namespace = uuid.UUID(str(namespace))
        except ValueError:
            raise TemplateError(f"to_uuid: the namespace '{namespace}' is no UUID") from None
    return str(uuid.uuid5(namespace, text(value)))


def password_hash(
    password: Any,
    hashtype: str = "sha512",
    salt: str | None = None,
    salt_size: int | None = None,
    rounds: int | None = None,
    ident: str | None = None,
) -> str:
    from nxtplay.template.crypt import crypt

    return crypt(text(password), hashtype, salt=salt, salt_size=salt_size, rounds=rounds, ident=ident)


def vault(value: Any, secret: Any, salt: Any = None, vault_id: str = "filter_default", wrap_object: bool = False, **ignored: Any) -> str:
    from nxtplay.template.vaulttext import encrypt

    return encrypt(text(value), text(secret), label=vault_id, salt=None if salt is None else text(salt))


def unvault(value: Any, secret: Any, vault_id: str = "", **ignored: Any) -> str:
    from nxtplay.template.vaulttext import decrypt, is_vault

    return decrypt(text(value), [(vault_id, text(secret))]) if is_vault(text(value)) else text(value)


FILTERS: dict[str, Callable[..., Any]] = {
    "to_json": to_json,
    "tojson": tojson,
    "to_nice_json": to_nice_json,
    "from_json": from_json,
    "to_yaml": to_yaml,
    "to_nice_yaml": to_nice_yaml,
    "from_yaml": from_yaml,
    "from_yaml_all": from_yaml_all,
    "b64encode": b64encode,
    "b64decode": b64decode,
    "hash": hashed,
    "checksum": checksum,
    "md5": md5,
    "sha1": checksum,
    "to_uuid": to_uuid,
    "password_hash": password_hash,
    "vault": vault,
    "unvault": unvault,
}
