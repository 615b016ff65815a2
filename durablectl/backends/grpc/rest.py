"""What a status over gRPC does not need: histories, purges of many, and waiting."""

from __future__ import annotations

from durablectl.backends.grpc.histories import Histories
from durablectl.backends.grpc.probe import Probe
from durablectl.backends.grpc.purge_batches import purge_each
from durablectl.polling.loop import wait_for_completion


class Rest:
    """The same for the hub, which is loaded before it is needed."""

    histories = Histories
    probe = Probe
    purge_each = staticmethod(purge_each)
    wait_for_completion = staticmethod(wait_for_completion)
