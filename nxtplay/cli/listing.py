"""`--list-hosts`, `--list-tasks`, `--list-tags`: what would run, without running it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from nxtplay.engine.options import Options
from nxtplay.engine.run import selected
from nxtplay.engine.walk import flatten
from nxtplay.playbook.model import Play, Playbook, Task


def listing(
    playbook: Playbook,
    options: Options,
    hosts_of: Callable[[Play], Sequence[str]],
    tags_of: Callable[[Play, frozenset[str]], frozenset[str]],
    wanted: frozenset[str],
) -> Iterator[str]:
    """Lines in the layout that users of ansible-playbook know. `tags_of` renders tags; `wanted` holds hosts, tasks, tags."""
    yield ""
    yield f"playbook: {playbook.path}"
    for number, play in enumerate(playbook.plays, 1):
        patterns = [play.hosts.value] if isinstance(play.hosts.value, str) else [str(one) for one in play.hosts.value]
        pattern = ",".join(patterns)
        name = str(play.name.value) if play.name else pattern
        yield ""
        yield f"  play #{number} ({pattern}): {name}{_tags(play.shared.tags)}"
        if "hosts" in wanted:
            hosts = list(hosts_of(play))
            yield f"    pattern: {patterns}"
            yield f"    hosts ({len(hosts)}):"
            yield from (f"      {host}" for host in hosts)
        every = [(task, tags_of(play, task.shared.tags)) for task in flatten(play.sections)]
        asked = options.tags or (["all", "never"] if "tags" in wanted and not options.skip_tags else [])
        tasks = [(task, tags) for task, tags in every if selected(tags, asked, options.skip_tags)]
        if "tasks" in wanted:
            yield "    tasks:"
            yield from (f"      {title(task)}{_tags(tags)}" for task, tags in tasks)
        if "tags" in wanted:
            found = sorted({tag for _, tags in tasks for tag in tags})
            yield f"      TASK TAGS: [{', '.join(found)}]"


def title(task: Task) -> str:
    """`role : name`, as output names a task."""
    name = str(task.name.value) if task.name else task.word
    return f"{task.role.name} : {name}" if task.role else name


def _tags(tags: frozenset[str]) -> str:
    return f"\tTAGS: [{', '.join(sorted(tags))}]"
