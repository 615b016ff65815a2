"""`python -m tests.powerloss.sweep ROOT HOME KINDS ACTION`, on a watched disk: let each call of a
start go wrong in turn.

Prints what was acknowledged, and the messages of what was refused, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from durablectl.backends.local import LocalTaskHub
from durablectl.errors import HubUnusable
from tests.powerloss.disk import Disk

MOST = 70


def main(root: str, home: str, kinds: str, action: str) -> None:
    disk, path = Disk(Path(root), Path(home)), Path(root) / "hub.db"
    acknowledged, messages = [], []
    for call in 2 * list(range(1, MOST)):  # of starts that make the hub, then of those that find it
        disk.fall_ill(kinds, action, first=call, count=3)
        try:
            with LocalTaskHub(path, create=True) as hub:
                acknowledged.append(hub.start("hello", "x" * 5000).id)
        except HubUnusable as error:
            messages.append(error.message)
        disk.get_well()
        # what a failed close left in the log would be read by the next start, which then makes more
        # calls each time
        if acknowledged:
            LocalTaskHub(path).close()
    print(json.dumps([acknowledged, messages]))


if __name__ == "__main__":
    main(*sys.argv[1:])
