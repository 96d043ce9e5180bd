"""Lists of tasks: tasks and blocks with what they inherit, static imports put in their place."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from nxtplay.errors import Span
from nxtplay.playbook import imports, roles
from nxtplay.playbook.collections import Program
from nxtplay.playbook.findings import check_keys, check_values, place_of, shown, unknown_key
from nxtplay.playbook.foreign import instead
from nxtplay.playbook.inherit import each, inherit, located, words
from nxtplay.playbook.keywords import BLOCK, HANDLER, LOOP_CONTROL, TASK, legal, templated
from nxtplay.playbook.model import Block, Item, Located, Loop, LoopControl, Shared, Task, YamlList, YamlMap
from nxtplay.playbook.modules import IMPORT_PLAYBOOK, IMPORTS, INCLUDES, Action, canonical, find_action, loop_lookup
from nxtplay.playbook.reading import Place, Reading
from nxtplay.template.registry import short_name
from nxtplay.template.routing import Route

_MODES = ("mode", "directory_mode")
_APPLY = {key: keyword for key, keyword in legal(BLOCK).items() if key not in ("block", "rescue", "always", "name")}
_PARTS = ("block", "rescue", "always")


def read_items(reading: Reading, raw: Any, shared: Shared, place: Place) -> tuple[Item, ...]:
    """The tasks and blocks of a list as written; what is wrong is reported and left out."""
    if not isinstance(raw, YamlList):
        return ()  # nothing, or reported where the keyword was checked
    found = []
    for one, span in zip(raw, raw.items_at, strict=True):
        item = read_item(reading, one, span, shared, place)
        if item is not None:
            found.append(item)
    return tuple(found)


def read_item(reading: Reading, raw: Any, span: Span, shared: Shared, place: Place) -> Item | None:
    if not isinstance(raw, YamlMap):
        hint = "write the module and a colon:  - name: ..." if raw is None else f"a task is a mapping, such as  - command: {raw}"
        reading.found.error(f"a task was expected, found {shown(raw)}", span, hint if not isinstance(raw, list) else "")
        return None
    if any(part in raw for part in _PARTS):
        return _block(reading, raw, shared, place)
    old = next((key for key in ("include", "ansible.builtin.include") if key in raw), None)
    if old:
        hint = "use import_tasks to read it once for all hosts, or include_tasks to decide host by host"
        reading.found.error(f"'{old}' is no longer part of the language", raw.keys_at[old], hint)
        return None
    playbook = next((key for key in IMPORT_PLAYBOOK if key in raw), None)
    if playbook:
        hint = "it stands in the list of plays:  - import_playbook: other.yml"
        reading.found.error("import_playbook cannot be a task", raw.keys_at[playbook], hint)
        return None
    where = HANDLER if place.handlers else TASK
    collections = tuple(str(one.value) for one in words(raw, "collections")) or shared.collections
    if reading.brought:
        place = dataclasses.replace(place, known=place.known | reading.brought)

    def installed(word: str) -> dict[str, Program]:
        return roles.installed(word, place, reading.options, collections)

    def leads_to(word: str) -> str | None:
        routed = (canonical(one.name, place.known) for one in roles.routes(word, place, reading.options, collections) if not one.gone)
        runs = (name for name, program in installed(word).items() if not program.missing)
        return next(filter(None, routed), None) or next(runs, None)

    def is_gone(word: str) -> bool:
        return any(one.gone for one in roles.routes(word, place, reading.options, collections))

    action = find_action(
        raw,
        where,
        place.known,
        reading.found,
        of_collections=lambda word: roles.of_collections(word, place, reading.options, collections) or is_gone(word),
        installed=leads_to,
    )
    check_values(raw, legal(where), reading.found)
    if action is None:
        return None
    word = next((str(key) for key in raw if raw.keys_at[key] == action.module_span), action.module)
    if canonical(word, place.known) is None and not templated(word):
        gone = _routed(reading, roles.routes(word, place, reading.options, collections), action)
        if gone:
            return None
    if action.module in IMPORTS:
        return imports.expand(reading, raw, action, shared, place)
    if action.foreign:
        loops = templated(raw.get("loop")) or any(templated(value) for key, value in raw.items() if str(key).startswith("with_"))
        conditional = loops or bool(shared.when) or raw.get("when") not in (None, "", True) or place.maybe or place.handlers
        lacking = next((program.missing for program in installed(word).values()), ())
        _not_here(reading, action, place, conditional=conditional, lacking=lacking)
    return _task(reading, raw, action, shared, place)


def _routed(reading: Reading, routes: Sequence[Route], action: Action) -> bool:
    """Tell what a collection says of the module: that it is to go, or an error where it is gone. Whether it is."""
    gone = next((one.gone for one in routes if one.gone), "")
    if action.foreign and gone:
        reading.found.error(f"module {gone}", action.module_span)
        return True
    for text in next((one.warnings for one in routes if action.module in (one.name, one.name.rpartition(".")[2])), ()):
        reading.found.warning(f"module {text}", action.module_span)
    return False


def _not_here(reading: Reading, action: Action, place: Place, *, conditional: bool, lacking: Sequence[str]) -> None:
    """A module that only Ansible has is an error where it surely runs, and a warning where it may not."""
    hint = instead(action.module, place.known)
    hint += f"; it is installed, but needs {', '.join(lacking)}" if lacking else ""
    if conditional:
        message = f"module '{action.module}' is Ansible's and not in nxtplay: the task fails if it ever runs"
        reading.found.warning(message, action.module_span, hint)
    else:
        reading.found.error(f"module '{action.module}' is Ansible's and not in nxtplay", action.module_span, hint)


def _block(reading: Reading, raw: YamlMap, shared: Shared, place: Place) -> Block | None:
    found = reading.found
    check_keys(raw, BLOCK, legal(BLOCK), found)
    if "block" not in raw:
        part = next(part for part in _PARTS if part in raw)
        found.error(f"'{part}' without 'block'", raw.keys_at[part], "put the tasks it belongs to under block:")
        return None
    if place.handlers and not place.stack:  # in a file that a handler includes there may be some
        hint = "write the handlers one by one; `listen` gives them one name to be notified by"
        found.error("a block cannot be a handler", raw.keys_at["block"], hint)
        return None
    below = inherit(shared, raw)
    inner = _with_names(place, raw)
    block, rescue, always = (read_items(reading, raw.get(part), below, inner) for part in _PARTS)
    return Block(place_of(raw, Span(place.file)), block, rescue, always, name=located(raw, "name"))


def _with_names(place: Place, raw: YamlMap) -> Place:
    variables = raw.get("vars")
    return dataclasses.replace(place, scopes=(*place.scopes, variables)) if isinstance(variables, YamlMap) else place


def _task(reading: Reading, raw: YamlMap, action: Action, above: Shared, place: Place) -> Task:
    shared = inherit(above, raw)
    if action.local:
        shared = dataclasses.replace(shared, delegate_to=Located("localhost", raw.keys_at["local_action"]))
    if shared.debugger is not None and str(shared.debugger.value) in ("always", "on_failed", "on_unreachable", "on_skipped"):
        hint = "nxtplay lint and --check find most faults before a run; --step asks before each task"
        reading.found.warning("there is no debugger here: the task runs without stopping", shared.debugger.span, hint)
    register = raw.get("register")
    return Task(
        span=place_of(raw, Span(place.file)),
        module=action.module,
        module_span=action.module_span,
        args=_octal_as_written(reading, action.args),
        name=located(raw, "name"),
        free_form=action.free_form,
        register=register if isinstance(register, str) else None,
        loop=_loop(reading, raw),
        until=each(raw, "until") or None,
        retries=located(raw, "retries"),
        delay=located(raw, "delay"),
        changed_when=each(raw, "changed_when") or None,
        failed_when=each(raw, "failed_when") or None,
        async_=located(raw, "async"),
        poll=located(raw, "poll"),
        listen=tuple(str(one.value) for one in each(raw, "listen")),
        shared=shared,
        role=place.role,
        is_handler=place.handlers,
        is_local_action=action.local,
        apply=_apply(reading, action, above) if action.module in INCLUDES else None,
        block_vars=len(above.vars),
        file=place.file,
    )


def _octal_as_written(reading: Reading, args: YamlMap) -> YamlMap:
    """`mode: 0644` keeps its digits: YAML reads it as the number 420, which later could not be told from a mistake for 0420."""
    modes = {key: reading.as_written(args.values_at[key]) for key in _MODES if type(args.get(key)) is int}
    octal = {key: text for key, text in modes.items() if text.startswith("0")}
    if not octal:
        return args
    copy = YamlMap({**args, **octal}, span=args.span)
    copy.keys_at, copy.values_at = args.keys_at, args.values_at
    return copy


def _apply(reading: Reading, action: Action, above: Shared) -> Shared:
    given = action.args.get("apply")
    if given is None:
        return above
    if not isinstance(given, YamlMap):
        reading.found.error(f"'apply' takes a mapping of keywords, found {shown(given)}", action.args.values_at["apply"])
        return above
    for key in given:
        if key not in _APPLY:
            unknown_key(key, given.keys_at[key], "A", _APPLY, reading.found)
    check_values(given, _APPLY, reading.found)
    return inherit(above, given)


def _loop(reading: Reading, raw: YamlMap) -> Loop | None:
    found = reading.found
    with_key = loop_lookup(raw, found)
    control = _control(reading, raw)
    if with_key is not None:
        return Loop(Located(raw[with_key], raw.values_at[with_key]), short_name(with_key[5:]), control)
    if "loop" not in raw:
        if raw.get("loop_control") is not None:
            found.warning("'loop_control' without a loop", raw.keys_at["loop_control"], "add loop: with the items")
        return None
    value, span = raw["loop"], raw.values_at["loop"]
    if value is None:
        found.warning("'loop' is empty: the task runs once, without items", raw.keys_at["loop"], "loop: [] is a loop without items")
        return None
    if not isinstance(value, list) and not templated(value):
        hint = 'use dict2items:  loop: "{{ mapping | dict2items }}"' if isinstance(value, dict) else "write a list:  loop: [a, b]"
        found.error(f"'loop' takes a list, found {shown(value)}", span, hint)
    return Loop(Located(value, span), None, control)


def _control(reading: Reading, raw: YamlMap) -> LoopControl:
    given = raw.get("loop_control")
    if not isinstance(given, YamlMap):
        return LoopControl()
    for key in given:
        if key not in LOOP_CONTROL:
            unknown_key(key, given.keys_at[key], "loop_control", LOOP_CONTROL, reading.found)
    check_values(given, LOOP_CONTROL, reading.found)
    index = given.get("index_var")
    return LoopControl(
        loop_var=str(given.get("loop_var") or "item"),
        index_var=str(index) if index is not None else None,
        label=located(given, "label"),
        pause=located(given, "pause"),
        extended=located(given, "extended"),
        extended_allitems=located(given, "extended_allitems"),
        break_when=each(given, "break_when"),
    )


def read_tasks_file(reading: Reading, path: str, shared: Shared, place: Place) -> tuple[Item, ...]:
    """The tasks of a file, `place` being the place that asked for it."""
    data = reading.read(path)
    if data is None:
        return ()
    if not isinstance(data, YamlList):
        start = place_of(data, Span(path, 1, 1))
        reading.found.error(f"a list of tasks was expected, found {shown(data)}", start, "start each task with '-'")
        return ()
    first = data[0] if data else None
    if isinstance(first, YamlMap) and "hosts" in first and not any(canonical(str(key), place.known) for key in first):
        hint = "a playbook is brought in by import_playbook, in the list of plays"
        reading.found.error(f"{path} is a playbook, a list of tasks was expected", first.keys_at["hosts"], hint)
        return ()
    return read_items(reading, data, shared, dataclasses.replace(place, file=path))
