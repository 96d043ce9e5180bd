"""The command `nxtplay`. `--version` is answered before anything is imported."""

import sys


def main() -> int:
    """The process's exit code."""
    if "--version" in sys.argv[1:]:
        from nxtplay import __version__

        print(f"nxtplay {__version__}")
        return 0
    from nxtplay.cli.app import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
