"""The way in: `durablectl` and `python -m durablectl`.

Knows only how to answer `--version` and `--help` without loading anything.
"""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Run the command line of this process; its exit code."""
    text = None if "_DURABLECTL_COMPLETE" in os.environ else _known_text(sys.argv[1:])
    if text is not None and _is_written(text):
        return 0
    _fill_closed_streams()
    # what is loaded here stays: looking through it for garbage, now or at the end, finds none
    gc.disable()
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # its command line, with click, rich and pygments
    try:
        from durablectl.cli.main import main as run
    except KeyboardInterrupt:  # Ctrl-C while modules load
        return 130
    gc.freeze()
    gc.enable()
    return run(sys.argv[1:])


def _known_text(arguments: list[str]) -> str | None:
    """What these arguments print, if that is known beforehand."""
    # deferred, as everything here: the fast path imports nothing else
    if arguments in (["--version"], ["-V"]):
        from durablectl.version import __version__

        return f"durablectl {__version__}\n"
    if arguments in ([], ["--help"], ["-h"]):
        from durablectl.cli.framework.help_text import program_help, terminal_columns

        return f"{program_help(terminal_columns())}\n"
    return None


def _is_written(text: str) -> bool:
    """Whether stdout took the text; if not, the slow path tries again and knows what to say."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (AttributeError, OSError):  # a closed stream is None
        return False
    return True


def _fill_closed_streams() -> None:
    """Put the null device where a standard stream was closed, also for child processes, so that no
    other file gets its number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115 - pathlib is slow, and it stays open
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)


if __name__ == "__main__":
    sys.exit(main())
