"""The message classes that the protocol is tried with: ours, and those that the SDK has
generated."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import settings

pytest.importorskip("google.protobuf", reason="protobuf is not installed (the extra grpc)")

from durablectl.protocol.messages import durable_task, parse

try:
    from durabletask.internal import orchestrator_service_pb2 as sdk
except ImportError:
    sdk = None

PROPERTY = settings(max_examples=100, deadline=None, derandomize=True)
NEEDS_SDK = pytest.mark.skipif(sdk is None, reason="durabletask is not installed")

T0 = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
CLASSES: list[Any] = [
    pytest.param(durable_task().messages, id="our classes"),
    pytest.param(sdk, id="the SDK's classes", marks=NEEDS_SDK),
]
"""The message classes that the codec is used with."""


def sent(kind: Any, fields: dict[str, Any]) -> Any:
    """The message as it arrives at the other side."""
    return parse(kind, kind(**fields).SerializeToString())
