"""What the kill test of `restart_from` kills: `python -m tests.engine.restarting HUB ID STEP` restarts
an instance again and again, and prints the id of each new one once it was acknowledged.
"""

from __future__ import annotations

import os
import sys

from durablectl.backends.local import LocalTaskHub

if __name__ == "__main__":
    path, instance_id, step = sys.argv[1:]
    with LocalTaskHub(path) as hub:
        while True:
            new = hub.restart_from(instance_id, int(step)).id
            os.write(sys.stdout.fileno(), f"{new}\n".encode())
