"""Look for a seed that breaks a promise: `python -m tests.simulate --seeds 100000`, or `--seed N`
for one of them, told step by step.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.simulate.world import World

STEPS = 250


def simulate(seed: int, *, steps: int = STEPS) -> World:
    """Run the world of a seed. What goes wrong carries the seed in a note."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="simulate-", dir=memory if memory.is_dir() else None
    ) as folder:
        world = World(seed, Path(folder))
        try:
            world.run(steps)
        except BaseException as error:
            error.add_note(
                f"seed {seed}: {len(world.story)} steps; again with: python -m "
                f"tests.simulate --seed {seed}"
            )
            error.add_note("\n".join(world.story[-40:]))
            raise
        finally:
            world.close()
    return world


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many seeds to try")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="only this one, told step by step")
    parser.add_argument("--steps", type=int, default=STEPS, help="how much happens in each")
    options = parser.parse_args()
    if options.seed is not None:
        print("\n".join(simulate(options.seed, steps=options.steps).story))
        return 0
    began = time.monotonic()
    for number, seed in enumerate(range(options.first, options.first + options.seeds), 1):
        simulate(seed, steps=options.steps)
        if number % 100 == 0:
            print(
                f"{number} seeds, {number / (time.monotonic() - began):.0f} a second",
                file=sys.stderr,
            )
    print(f"{options.seeds} seeds, no promise broken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
