"""A gRPC server whose answers a test writes, and which notes what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from durablectl.protocol.messages import Dialect, durable_task, parse

T0 = {"seconds": 1_700_000_000}


@dataclass
class Asked:
    method: str
    message: Any
    metadata: dict[str, Any]


class Refuse(Exception):
    """An answer that is a status."""

    def __init__(self, code: str, details: str = "") -> None:
        self.code, self.details = grpc.StatusCode[code], details
        super().__init__(details)


@dataclass
class ScriptedGrpc(grpc.GenericRpcHandler):
    """`answers` maps methods to fields, to a list of fields for a stream, to a `Refuse`, or to a
    function of the request that gives one of these; what is not there is UNIMPLEMENTED.
    """

    dialect: Dialect = field(default_factory=durable_task)
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    @property
    def methods(self) -> list[str]:
        return [each.method for each in self.asked]

    def service(self, details: Any) -> Any:
        name = details.method.rpartition("/")[2]
        method = self.dialect.methods.get(name)
        if method is None or name not in self.answers:
            return None

        def answer(data: bytes, context: Any) -> Iterator[bytes]:
            request = parse(method.request, data)
            metadata = dict(context.invocation_metadata())
            self.asked.append(Asked(name, request, metadata))
            found = self.answers[name]
            if isinstance(found, Callable):
                found = found(request)
            if isinstance(found, Refuse):
                context.abort(found.code, found.details)
            several = found if isinstance(found, list) else [found]
            kind = method.response
            return iter([kind.SerializeToString(kind(**each)) for each in several])

        if method.streams:
            return grpc.unary_stream_rpc_method_handler(answer)
        return grpc.unary_unary_rpc_method_handler(
            lambda data, context: next(answer(data, context))
        )


@contextmanager
def scripted_grpc(
    dialect: Dialect | None = None, *, tls: Path | None = None
) -> Iterator[ScriptedGrpc]:
    """While inside, such a server is up; `tls` is a file with its key and certificate."""
    script = ScriptedGrpc(dialect or durable_task())
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[script])
    if tls is None:
        script.url = f"grpc://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    else:
        pair = [(tls.read_bytes(), tls.read_bytes())]
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(pair))
        script.url = f"grpcs://127.0.0.1:{port}"
    server.start()
    try:
        yield script
    finally:
        server.stop(0).wait()


def instance(instance_id: str, status: int = 0, **more: Any) -> dict[str, Any]:
    """The fields of an OrchestrationState; the status 0 is Running."""
    return {
        "instanceId": instance_id,
        "name": "order",
        "orchestrationStatus": status,
        "createdTimestamp": T0,
        "lastUpdatedTimestamp": T0,
        **more,
    }


def found(instance_id: str, status: int = 0, **more: Any) -> dict[str, Any]:
    """The fields of a GetInstanceResponse."""
    return {"exists": True, "orchestrationState": instance(instance_id, status, **more)}
