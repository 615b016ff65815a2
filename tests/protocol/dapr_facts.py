"""Compares our table of Dapr's dialect with the descriptors inside the package `dapr`; for a
process of its own.

Dapr has renamed what has "orchestration" or "sub-orchestration" in its name. Numbers, types, labels
and oneofs have stayed.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto

from durablectl.protocol import table
from durablectl.protocol.messages import dapr

PACKAGE = "dapr.ext.workflow._durabletask.internal"
MODULES = ("orchestration_pb2", "history_events_pb2", "orchestrator_service_pb2")
RENAMED = {
    "childWorkflow": "subOrchestration",
    "workflowStarted": "orchestratorStarted",
    "workflowCompleted": "orchestratorCompleted",
}
RENAMED |= {
    f"{old[0].upper()}{old[1:]}": f"{new[0].upper()}{new[1:]}" for old, new in RENAMED.items()
}
RENAMED |= {"workflow": "orchestration", "Workflow": "Orchestration"}
KEPT = r"(?i:detachedWorkflow\w*)"


def ours_for(name: str) -> str:
    """Our name for one of Dapr's."""
    pattern = "|".join([KEPT, *RENAMED])
    return re.sub(pattern, lambda found: RENAMED.get(found[0], found[0]), name)


def fields(message: Any) -> dict[int, tuple[Any, ...]]:
    oneofs = [oneof.name for oneof in message.oneof_decl]
    return {
        field.number: (
            ours_for(field.name),
            field.type,
            field.label,
            ours_for(field.type_name),
            field.proto3_optional,
        )
        + ((oneofs[field.oneof_index],) if field.HasField("oneof_index") else ())
        for field in message.field
    }


def check() -> None:
    files = [FileDescriptorProto() for _ in MODULES]
    for file, module in zip(files, MODULES, strict=True):
        importlib.import_module(f"{PACKAGE}.{module}").DESCRIPTOR.CopyToProto(file)
    theirs = {
        ours_for(message.name): fields(message) for file in files for message in file.message_type
    }
    (service,) = (service for file in files for service in file.service)
    methods = {
        method.name: (ours_for(method.input_type), ours_for(method.output_type))
        for method in service.method
    }
    statuses = [
        value.name
        for file in files
        for enum in file.enum_type
        if enum.name == "OrchestrationStatus"
        for value in enum.value
    ]

    kinds = {name: getattr(dapr().messages, name).DESCRIPTOR for name in dapr().messages.names}
    for name, descriptor in kinds.items():
        ours = DescriptorProto()
        descriptor.CopyToProto(ours)
        found = {number: facts for number, facts in theirs[name].items() if number in fields(ours)}
        assert fields(ours) == found, (name, fields(ours), found)
    for method in dapr().methods.values():
        assert method.path == f"/{service.name}/{method.name}"
        kinds_of_method = tuple(
            f".{kind.DESCRIPTOR.full_name}" for kind in (method.request, method.response)
        )
        assert methods[method.name] == kinds_of_method, method.name
    enum = kinds["OrchestrationState"].fields_by_name["orchestrationStatus"].enum_type
    assert [value.name for value in enum.values] == statuses
    assert service.name == table.SERVICE
    print(f"{len(kinds)} messages and {len(dapr().methods)} methods agree")
