"""The way in: `durablectl` and `python -m durablectl`. Knows only how to answer `--version` without loading anything."""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Run the command line of this process; its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]) and "_DURABLECTL_COMPLETE" not in os.environ:
        from durablectl.version import __version__  # deferred, as everything here: the fast path imports nothing else

        sys.stdout.write(f"durablectl {__version__}\n")
        return 0
    gc.disable()  # what is loaded here stays: looking through it for garbage, now or at the end, finds none
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # its command line, with click, rich and pygments
    try:
        from durablectl.cli.main import main as run
    except KeyboardInterrupt:  # Ctrl-C while modules load
        return 130
    gc.freeze()
    gc.enable()
    _fill_closed_streams()
    return run(sys.argv[1:])


def _fill_closed_streams() -> None:
    """Put the null device where a standard stream was closed, lest the next file that is opened takes its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - pathlib is slow, and it stays open


if __name__ == "__main__":
    sys.exit(main())
