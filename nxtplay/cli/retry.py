"""Retry files: the hosts on which a run failed, for `--limit @FILE`."""

from __future__ import annotations

import os

from nxtplay.events import Emit, Notice, Recap


def write(recap: Recap, playbook: str, folder: str | None, emit: Emit) -> None:
    """PLAYBOOK.retry beside the playbook or in `folder`, where a host failed or was not reached; what cannot be written is told."""
    hosts = sorted(name for name, count in recap.hosts.items() if count.failed or count.unreachable)
    if not hosts:
        return
    path = os.path.join(folder or os.path.dirname(playbook), os.path.splitext(os.path.basename(playbook))[0] + ".retry")
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.writelines(f"{name}\n" for name in hosts)
    except OSError as error:
        emit(Notice("warning", f"cannot write the retry file {path}: {error.strerror}"))
        return
    emit(Notice("note", f"to retry: --limit @{path}"))
