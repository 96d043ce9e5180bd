"""The words of the language: one table of every keyword, where it may stand and what it takes.

Validation, the editor schema and the reference pages come from this table; nothing else lists keywords.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nxtplay.core.types import FALSE, TRUE
from nxtplay.template.values import Encrypted, is_template

PLAY, ROLE, BLOCK, TASK, HANDLER, INCLUDE, IMPORT = "PRBTHNI"

OBJECTS = {
    PLAY: "a play",
    ROLE: "a role entry",
    BLOCK: "a block",
    TASK: "a task",
    HANDLER: "a handler",
    INCLUDE: "an include",
    IMPORT: "import_playbook",
}

PLAY_ONCE = "play"  # the value of run_once that spans all batches

# kind -> what a reader is told was expected
KINDS = {
    "bool": "true or false",
    "once": "true, false, or play: once for all batches",
    "int": "a whole number",
    "number": "a number",
    "text": "text",
    "name": "a variable name: letters, digits and underscores",
    "naming": "a variable name: letters, digits and underscores",
    "words": "a list of words, or words separated by commas",
    "texts": "text or a list of texts",
    "exprs": "an expression or a list of expressions",
    "expr": "an expression",
    "vars": "a mapping of variables",
    "map": "a mapping",
    "maps": "a mapping or a list of mappings",
    "list": "a list",
    "tasks": "a list of tasks",
    "roles": "a list of roles",
    "prompts": "a list of mappings, each with a name",
    "serial": "a number, a percentage or a list of them",
    "any": "anything",
    "control": "a mapping",
    "action": "a module with its arguments",
}


@dataclass(frozen=True)
class Keyword:
    """`where` holds the letters of the objects it may stand in; `tier` says how common it is (1 to 3); a `static` one takes no template."""

    name: str
    where: str
    kind: str
    help: str
    tier: int = 1
    static: bool = False
    choices: tuple[str, ...] = ()


ORDERS = ("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle")
DEBUGGERS = ("always", "never", "on_failed", "on_unreachable", "on_skipped")


def _table() -> list[Keyword]:
    every, acting, below = "PRBTH", "TH", "RBTHN"
    k = Keyword
    return [
        k("name", "PRBTHNI", "text", "Shown instead of the module's name; may hold templates."),
        k("hosts", "P", "words", "The hosts of the play: a pattern or a list of patterns."),
        k("gather_facts", "P", "bool", "Whether facts are gathered before the first task."),
        k("gather_subset", "P", "words", "Which groups of facts to gather.", 2),
        k("gather_timeout", "P", "int", "Seconds that gathering one fact may take.", 3),
        k("fact_path", "P", "text", "Directory with local facts on the host.", 3),
        k("vars", "PRBTHNI", "vars", "Variables."),
        k("vars_files", "P", "list", "Files with variables; of an inner list the first that exists.", 1),
        k("vars_prompt", "P", "prompts", "Variables that are asked for at the start.", 3),
        k("roles", "P", "roles", "Roles to run after pre_tasks.", static=True),
        k("tasks", "P", "tasks", "Tasks to run after the roles.", static=True),
        k("pre_tasks", "P", "tasks", "Tasks to run before the roles.", static=True),
        k("post_tasks", "P", "tasks", "Tasks to run after tasks.", static=True),
        k("handlers", "P", "tasks", "Tasks that run when notified.", static=True),
        k("serial", "P", "serial", "How many hosts go through the play at a time.", 2),
        k("max_fail_percentage", "P", "number", "The play stops when more than this share of the hosts failed.", 2),
        k("order", "P", "text", "The order of the hosts.", 3, choices=ORDERS),
        k("strategy", "P", "text", "How hosts go through the tasks.", 3, choices=("linear", "free", "host_pinned", "debug")),
        k("force_handlers", "P", "bool", "Whether notified handlers run on a host that failed.", 2),
        k("any_errors_fatal", every, "bool", "Whether a failure on one host ends the play for all.", 2),
        k("become", every, "bool", "Whether to act as another user."),
        k("become_user", every, "text", "The user to become; root when not said. It does not switch become on."),
        k("become_method", every, "text", "The command that changes the user.", 2),
        k("become_flags", every, "text", "Options of that command.", 3),
        k("become_exe", every, "text", "Its path.", 3),
        k("remote_user", every, "text", "The user to log in as."),
        k("connection", every, "text", "How the host is reached."),
        k("port", every, "int", "The port of the connection.", 2),
        k("environment", every, "maps", "Environment variables of what the tasks start.", 2),
        k("module_defaults", every, "maps", "Arguments by module, for tasks that do not give them.", 2),
        k("no_log", every + INCLUDE, "bool", "Whether arguments and results are kept from the output."),
        k("ignore_errors", every + INCLUDE, "bool", "Whether to go on after a failure."),
        k("ignore_unreachable", every + INCLUDE, "bool", "Whether to go on when the host cannot be reached.", 2),
        k("check_mode", every, "bool", "true: only ever checked; false: carried out even in a check."),
        k("diff", every, "bool", "Whether differences are shown.", 2),
        k("run_once", every + INCLUDE, "once", "Whether one host does it for all of its batch; `play`: of the whole play.", 2),
        k("throttle", every, "int", "How many hosts may do it at a time.", 2),
        k("timeout", every + INCLUDE, "int", "Seconds an attempt may take.", 2),
        k("debugger", every + INCLUDE, "text", "When to stop and ask.", 3, choices=DEBUGGERS),
        k("batch", every, "bool", "false keeps the tasks from travelling together with others in one message.", 3),
        k("tags", every + "NI", "words", "Labels to choose tasks by."),
        k("when", below + "I", "exprs", "Runs only where this holds; all of a list must."),
        k("collections", every + INCLUDE, "words", "Where roles with short names are looked for first.", 3, static=True),
        k("delegate_to", "RBTH", "text", "The host that does it instead.", 2),
        k("delegate_facts", "RBTH", "bool", "Whether facts become the delegate's.", 3),
        k("notify", "BTH", "texts", "Handlers to run when something changed."),
        k("block", "B", "tasks", "Tasks that share keywords.", static=True),
        k("rescue", "B", "tasks", "Tasks that run when one of the block failed.", static=True),
        k("always", "B", "tasks", "Tasks that run in any case.", static=True),
        k("action", acting + INCLUDE, "action", "The module and its arguments in one.", 2),
        k("local_action", acting, "action", "The same, done on the controller.", 2),
        k("args", acting + INCLUDE, "map", "Further arguments of the module.", 2),
        k("register", acting + INCLUDE, "name", "The variable that keeps the result.", static=True),
        k("loop", acting + INCLUDE, "list", "Do it once for each item."),
        k("loop_control", acting + INCLUDE, "control", "Names and pace of a loop."),
        k("until", acting, "exprs", "Try again until this holds."),
        k("retries", acting, "int", "How often to try again."),
        k("delay", acting, "number", "Seconds between attempts."),
        k("changed_when", acting, "exprs", "When the task counts as changed."),
        k("failed_when", acting, "exprs", "When the task counts as failed."),
        k("async", acting, "int", "Seconds it may run without being waited for.", 2),
        k("poll", acting, "int", "Seconds between looks at such a task; 0: do not wait.", 2),
        k("listen", "H", "texts", "Topics that notify this handler.", static=True),
        k("role", "R", "text", "The role's name."),
        k("import_playbook", "I", "text", "The playbook that stands here."),
        k("user", "P", "text", "Another word for remote_user.", 3),
    ]


KEYWORDS: dict[str, Keyword] = {keyword.name: keyword for keyword in _table()}

LOOP_CONTROL = {
    "loop_var": Keyword("loop_var", "L", "naming", "The variable that holds the item."),
    "index_var": Keyword("index_var", "L", "naming", "A variable that counts the items from 0."),
    "label": Keyword("label", "L", "any", "What is shown of the item."),
    "pause": Keyword("pause", "L", "number", "Seconds between items."),
    "extended": Keyword("extended", "L", "bool", "Whether `ansible_loop` is there."),
    "extended_allitems": Keyword("extended_allitems", "L", "bool", "Whether `ansible_loop.allitems` is there."),
    "break_when": Keyword("break_when", "L", "exprs", "Ends the loop after an item for which this holds."),
}

PROMPT = {
    "name": Keyword("name", "V", "name", "The variable.", static=True),
    "prompt": Keyword("prompt", "V", "text", "The question."),
    "default": Keyword("default", "V", "any", "The answer when none is given."),
    "private": Keyword("private", "V", "bool", "Whether typing is hidden (it is unless false)."),
    "confirm": Keyword("confirm", "V", "bool", "Whether to ask twice."),
    "encrypt": Keyword("encrypt", "V", "text", "The scheme to hash the answer with."),
    "salt": Keyword("salt", "V", "text", "A fixed salt."),
    "salt_size": Keyword("salt_size", "V", "int", "The length of a random salt."),
    "unsafe": Keyword("unsafe", "V", "bool", "Whether the answer is never a template."),
}

# `with_X`: the lookup X over its terms; the first row is in common use
LOOKUPS = frozenset(
    "items list dict fileglob first_found nested together subelements sequence indexed_items flattened lines file inventory_hostnames "
    "random_choice cartesian env ini csvfile template url vars varnames password pipe filetree config unvault".split()
)


@functools.cache
def legal(where: str) -> dict[str, Keyword]:
    """The keywords of one kind of object (PLAY, ROLE, ...)."""
    return {name: keyword for name, keyword in KEYWORDS.items() if where in keyword.where}


_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# words that expressions read as something else than a variable
_TAKEN = frozenset("and or not in is if else elif for true false none True False None".split())


def is_identifier(text: object) -> bool:
    """Whether a variable can have this name."""
    return isinstance(text, str) and _IDENTIFIER.match(text) is not None and text not in _TAKEN


def templated(value: object) -> bool:
    """Whether a value is text that is made only later: a template, or still encrypted."""
    return isinstance(value, str) and (("{" in value and is_template(value)) or isinstance(value, Encrypted))


# what a template cannot stand for
_WRITTEN_OUT = frozenset(("name", "tasks", "roles", "vars", "prompts", "control"))


def wrong_value(keyword: Keyword, value: Any) -> str:
    """What was expected instead of this value; empty when it will do. None is what was not said and always does."""
    if value is None:
        return ""
    if templated(value) and keyword.kind in _WRITTEN_OUT:
        return f"{KINDS[keyword.kind]}, not a template: it is read before there are hosts"
    if templated(value) and not keyword.static:
        return ""
    if not _CHECKS[keyword.kind](value):
        return KINDS[keyword.kind]
    if keyword.choices and str(value) not in keyword.choices:
        return "one of " + ", ".join(keyword.choices)
    return ""


def _bool(value: Any) -> bool:
    return isinstance(value, bool) or str(value).lower() in TRUE or str(value).lower() in FALSE


def _number(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"\s*-?\d+(\.\d+)?%?\s*", value) is not None
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _int(value: Any) -> bool:
    return _number(value) and float(str(value).strip().rstrip("%")).is_integer()


def _scalar(value: Any) -> bool:
    return not isinstance(value, (dict, list))


def _scalars(value: Any) -> bool:
    return all(_scalar(item) for item in value) if isinstance(value, list) else _scalar(value)


def _mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _list(value: Any) -> bool:
    return isinstance(value, list)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "bool": _bool,
    "once": lambda value: value == PLAY_ONCE or _bool(value),
    "int": _int,
    "number": _number,
    "text": _scalar,
    "name": is_identifier,
    "naming": is_identifier,
    "words": _scalars,
    "texts": _scalars,
    "exprs": _scalars,
    "expr": _scalar,
    "vars": _mapping,
    "map": _mapping,
    "maps": lambda value: all(isinstance(v, dict) or templated(v) for v in value) if isinstance(value, list) else isinstance(value, dict),
    "list": lambda value: True,  # each keyword that takes one looks itself
    "tasks": _list,
    "roles": _list,
    "prompts": lambda value: isinstance(value, list) and all(isinstance(v, dict) for v in value),
    "serial": lambda value: all(_number(v) or templated(v) for v in value) if isinstance(value, list) else _number(value),
    "any": lambda value: True,
    "control": _mapping,
    "action": lambda value: isinstance(value, (str, dict)),
}
