"""Programs on the host."""

import os
import threading
import time
from pathlib import Path

from nxtplay.core import host


def test_a_program_that_somebody_still_writes_to_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_text("#!/bin/sh\necho ran\n")
    path.chmod(0o755)
    held = os.open(path, os.O_WRONLY)  # as a child forked by another thread holds it until its exec

    def let_go() -> None:
        time.sleep(0.2)
        os.close(held)

    thread = threading.Thread(target=let_go)
    thread.start()
    assert host.run([str(path)]).stdout == "ran\n"
    thread.join()
