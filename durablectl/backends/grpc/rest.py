"""What a status over gRPC does not need: histories, purges of many, probes, and waits."""

from __future__ import annotations

from durablectl.backends.grpc.histories import raw_history, shown_history
from durablectl.backends.grpc.probe import Probe
from durablectl.backends.grpc.purge_batches import purge_each
from durablectl.polling.loop import wait_for_completion


class Rest:
    """The same for the hub, which is loaded before it is needed."""

    shown_history = staticmethod(shown_history)
    raw_history = staticmethod(raw_history)
    probe = Probe
    purge_each = staticmethod(purge_each)
    wait_for_completion = staticmethod(wait_for_completion)
