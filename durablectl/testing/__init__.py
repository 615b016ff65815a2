"""What users need to test their orchestrators: a throw-away hub, a clock that jumps over timers,
mocks, and replays of saved histories.

The pytest fixture `durable` is a `Durable` for one test.
"""

from __future__ import annotations

from durablectl.testing.durable import Durable, PortabilityWarning
from durablectl.testing.replays import assert_replays

__all__ = ["Durable", "PortabilityWarning", "assert_replays"]
