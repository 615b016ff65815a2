"""The way in: `durablectl` and `python -m durablectl`. Knows only how to answer `--version` without loading anything."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the command line of this process; its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]) and "_DURABLECTL_COMPLETE" not in os.environ:
        from durablectl.version import __version__  # deferred, as everything here: the fast path imports nothing else

        sys.stdout.write(f"durablectl {__version__}\n")
        return 0
    try:
        from durablectl.cli.main import main as run
    except KeyboardInterrupt:  # Ctrl-C while modules load
        return 130
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
