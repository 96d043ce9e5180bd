"""What a module is: typed arguments and how to look at, want and make a state."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, ClassVar, Generic, Mapping, Optional, Sequence, TypeVar, Union

from nxtplay.core import decode as decode_
from nxtplay.core.frozen import by_identity, dataclass_transform
from nxtplay.core.host import Host, Reader
from nxtplay.core.spec import ArgSpec, Rule, specs_of
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import ArgError, ArgErrors

S = TypeVar("S")
A = TypeVar("A", bound="Args")

REQUIRED: Any = dataclasses.MISSING


def arg(
    default: Any = REQUIRED,
    *,
    help: str,
    aliases: Sequence[str] = (),
    key: bool = False,
    default_factory: Any = REQUIRED,
    secret: bool = False,
    choices: Sequence[str] = (),
) -> Any:
    """An argument of a module. Without a default it is required. `key` marks what identifies the resource; `choices` narrows the
    items of a list of strings (a plain string says it by Literal); `secret` masks the value wherever it is shown."""
    metadata = {"help": help, "aliases": tuple(aliases), "key": key, "secret": secret, "choices": tuple(choices), "arg": True}
    if default_factory is not REQUIRED:
        return dataclasses.field(default_factory=default_factory, metadata=metadata)
    if default is REQUIRED:
        metadata["required"] = True
        return dataclasses.field(default=None, metadata=metadata)  # so that the order of arguments is free
    return dataclasses.field(default=default, metadata=metadata)


def exclusive(*names: str) -> Rule:
    return Rule("exclusive", names)


def together(*names: str) -> Rule:
    return Rule("together", names)


def one_of(*names: str) -> Rule:
    return Rule("one_of", names)


def required_if(name: str, value: Any, *names: str) -> Rule:
    return Rule("required_if", (name, *names), value)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(arg,))
class Args:
    """A group of typed arguments: a module itself, or a nested one. Subclasses become frozen dataclasses by being written."""

    rules: ClassVar[tuple[Rule, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        by_identity(cls)

    @classmethod
    def specs(cls) -> dict[str, ArgSpec]:
        """The arguments by name, with their types."""
        found: Optional[dict[str, ArgSpec]] = cls.__dict__.get("_specs")
        if found is None:
            found = specs_of(cls)
            cls._specs = found  # type: ignore[attr-defined]
        return found


class Module(Args):
    """Common to the three kinds."""

    free_form: ClassVar[Optional[str]] = None  # the argument that takes the text of `shell: TEXT`
    libraries: ClassVar[tuple[str, ...]] = ()  # distributions carried to the host for it ("docker")
    private: ClassVar[bool] = True  # what it changes is seen on its own host only (files, users), so it may run ahead of other hosts
    needs_python: ClassVar[bool] = True
    streams: ClassVar[bool] = False  # what it shows as it comes is what it is for (a log), so all of it is printed

    @classmethod
    def prepare(cls, args: dict[str, Any], controller: Any) -> dict[str, Any]:
        """On the controller, before the job leaves: take in files, render templates. `controller` is a core.prepare.Controller."""
        return args

    @classmethod
    def receive(cls, args: Mapping[str, Any], result: dict[str, Any], controller: Any) -> dict[str, Any]:
        """On the controller, when the host has answered: put away what came back. The fields to register, `changed` among them."""
        return result

    @classmethod
    def removed_account(cls, args: Mapping[str, Any]) -> str:
        """The account that a run of it removes, which nobody may be logged in to: agents that run as it are ended first."""
        return ""


class Resource(Module, Generic[S]):
    """Something that has a state. Write `observe`, `desired`, `apply`; changed, diff and check follow from them."""

    edits: ClassVar[bool] = False  # what it wants depends on what it finds, so done twice it may go further: one step is what it promises

    def key(self) -> str:
        """What the state is filed under; two modules that describe one thing give one key (`file:/etc/motd`)."""
        parts = [str(getattr(self, name)) for name, spec in self.specs().items() if spec.key]
        return f"{type(self).__name__.lower()}:{':'.join(parts)}"

    def key_on(self, host: Reader) -> str:
        """The key where it depends on what is there: a file copied into a directory. May raise UnknownReached."""
        return self.key()

    def refresh(self, host: Host) -> None:
        """In a run, before anything is looked at: fetch what looking needs (package lists). It is no part of the state."""

    def observe(self, host: Reader) -> Optional[S]:
        """The state now; None when there is nothing."""
        raise NotImplementedError

    def desired(self, host: Reader, before: Optional[S]) -> Optional[S]:
        """The state wanted, given the one found: what the arguments do not speak of is taken from `before`."""
        raise NotImplementedError

    def apply(self, host: Host, plan: Plan[S]) -> None:
        """Make it so. Called only when the plan has changes."""
        raise NotImplementedError

    def due(self, host: Reader, plan: Plan[S]) -> Union[str, Unknown, None]:
        """An act that is due besides the state, such as `state: restarted`: its reason, or None. Unknown: only the act itself can
        tell whether it changes anything."""
        return None

    def perform(self, host: Host, plan: Plan[S]) -> Optional[bool]:
        """The act that was due; where it was due as Unknown, False says that nothing changed."""
        return None

    def also_foresee(self, host: Reader, plan: Plan[S]) -> Sequence[tuple[str, Any]]:
        """Further (key, state) that a check may count on once this has been applied (parents made on the way, a package's unit)."""
        return ()

    def result(self, before: Optional[S], after: Optional[S]) -> dict[str, Any]:
        """Fields to register. In a check `after` is the foreseen state and may hold UNKNOWN."""
        return {}


class Action(Module):
    """Something done, not a state. Write `due` and `perform`."""

    def due(self, host: Reader) -> Optional[str]:
        """Why it has to be done; None when there is nothing to do (`creates:` is there)."""
        return "always"

    def idle(self, host: Reader) -> dict[str, Any]:
        """What is registered when nothing was due."""
        return {}

    def perform(self, host: Host) -> dict[str, Any]:
        """Do it; the fields to register. `changed: False` among them says that nothing changed after all."""
        raise NotImplementedError

    def foresee(self, host: Reader) -> Sequence[tuple[str, Any]]:
        """(key, state) that a check may count on after it (`creates:` will be there); an Unknown state for what it may have touched."""
        return ()

    def called(self) -> str:
        """What it is called where something is unknown because it was not done."""
        return type(self).__name__.lower()

    def certain(self) -> bool:
        """Whether performing it is sure to count as a change."""
        return True


class Query(Module):
    """Something looked up; runs in a check just the same."""

    def look(self, host: Reader) -> dict[str, Any]:
        """The fields to register."""
        raise NotImplementedError


def check_args(cls: type[Args], args: Mapping[str, Any], is_template: Callable[[object], bool] = lambda _: False) -> list[ArgError]:
    """Everything wrong with arguments as written; values for which `is_template` holds are taken on trust."""
    return decode_.check(cls, args, is_template)


def decode(cls: type[A], args: Mapping[str, Any]) -> A:
    """Arguments to a typed module: aliases resolved, values coerced as Ansible's users expect ("yes" is true where a bool is
    declared). Unknown values stay unknown. Raises ArgErrors with everything that is wrong."""
    values, errors = decode_.decode(cls, args)
    if errors:
        raise ArgErrors(errors)
    return cls(**values)
