"""What an arguments class declares: each argument with its resolved type, and rules between them."""

from __future__ import annotations

import sys
import typing
from dataclasses import MISSING, fields
from typing import Any, Union

from nxtplay.core.frozen import frozen
from nxtplay.core.state import Secret


@frozen
class Rule:
    """A rule between arguments: kind is exclusive, together, one_of (at least one) or required_if (name, value, the others)."""

    kind: str
    names: tuple[str, ...]
    value: Any = None


@frozen
class ArgSpec:
    """One argument: `type` is a resolved annotation (Optional taken off into `optional`)."""

    name: str
    type: Any
    optional: bool
    required: bool
    default: Any
    help: str
    aliases: tuple[str, ...]
    key: bool
    secret: bool
    choices: tuple[str, ...]


def _resolve(annotation: Any, namespace: dict[str, Any]) -> Any:
    """The type that an annotation names; `A | None` means Optional[A], on Python 3.9 too."""
    if not isinstance(annotation, str):
        return annotation
    if annotation.endswith(" | None"):
        return typing.Optional[_resolve(annotation[: -len(" | None")], namespace)]
    return eval(annotation if "|" not in annotation else _without_bars(annotation), {**namespace, "__Union__": Union})


def _without_bars(annotation: str) -> str:
    """`list[A | B]` as `list[__Union__[A, B]]`."""
    import ast  # an agent's start is too short for it

    class Unions(ast.NodeTransformer):
        def visit_BinOp(self, node: ast.BinOp) -> Any:
            self.generic_visit(node)
            if not isinstance(node.op, ast.BitOr):
                return node
            pair = ast.Tuple(elts=[node.left, node.right], ctx=ast.Load())
            return ast.Subscript(value=ast.Name(id="__Union__", ctx=ast.Load()), slice=pair, ctx=ast.Load())

    return ast.unparse(Unions().visit(ast.parse(annotation, mode="eval")))


def specs_of(cls: type) -> dict[str, ArgSpec]:
    """The ArgSpecs of an Args class, in the order written."""
    annotations: dict[str, tuple[Any, dict[str, Any]]] = {}
    for base in reversed(cls.__mro__):
        namespace = vars(sys.modules[base.__module__])
        for name, annotation in base.__dict__.get("__annotations__", {}).items():
            annotations[name] = (annotation, namespace)
    specs = {}
    for f in fields(cls):
        if not f.metadata.get("arg"):
            continue
        annotation = _resolve(*annotations[f.name])
        members = [a for a in typing.get_args(annotation) if a is not type(None)]
        optional = typing.get_origin(annotation) is Union and len(members) < len(typing.get_args(annotation))
        if optional:
            annotation = members[0] if len(members) == 1 else Union[tuple(members)]
        default = f.default_factory() if f.default_factory is not MISSING else f.default
        m = f.metadata
        specs[f.name] = ArgSpec(
            name=f.name.rstrip("_"),
            type=annotation,
            optional=optional,
            required=bool(m.get("required")),
            default=default,
            help=m["help"],
            aliases=m["aliases"],
            key=m["key"],
            secret=m["secret"] or annotation is Secret,
            choices=m["choices"],
        )
    return specs
