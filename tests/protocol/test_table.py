"""Our table of the protocol has the facts of the descriptors that others generated, and lives
beside them.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

import pytest
from message_classes import NEEDS_SDK, T0, sdk

from durablectl.protocol import table
from durablectl.protocol.descriptors import lines_of
from durablectl.protocol.fields import MalformedMessage, read_time, time_field
from durablectl.protocol.messages import dapr, durable_task, parse

descriptors = pytest.importorskip("google.protobuf.descriptor_pb2")
NAMES = list(lines_of(table.MESSAGES))
METHODS = list(lines_of(table.METHODS))


def copied(descriptor: Any, made: Any) -> Any:
    descriptor.CopyToProto(made)
    return made


def facts(kind: Any) -> dict[str, Any]:
    """What a message is on the wire: each field's number, name, type, label and oneof, its maps
    included.
    """
    return described(copied(kind.DESCRIPTOR, descriptors.DescriptorProto()))


def described(message: Any) -> dict[str, Any]:
    oneofs = [oneof.name for oneof in message.oneof_decl]
    fields = {
        field.number: (field.name, field.type, field.label, field.type_name, field.proto3_optional)
        + ((oneofs[field.oneof_index],) if field.HasField("oneof_index") else ())
        for field in message.field
    }
    nested = {each.name: described(each) for each in message.nested_type}
    return {"fields": fields, "nested": nested, "is map": message.options.map_entry}


@NEEDS_SDK
@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_that_of_the_sdk(name):
    assert facts(getattr(durable_task().messages, name)) == facts(getattr(sdk, name))


@NEEDS_SDK
@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_that_of_the_sdk(name):
    method = durable_task().methods[name]
    theirs = sdk.DESCRIPTOR.services_by_name[table.SERVICE].methods_by_name[name]
    assert method.path == f"/{theirs.containing_service.full_name}/{theirs.name}"
    assert method.request.DESCRIPTOR.full_name == theirs.input_type.full_name
    assert (method.response.DESCRIPTOR.full_name, method.streams) == (
        theirs.output_type.full_name,
        theirs.server_streaming,
    )


@NEEDS_SDK
def test_what_the_table_leaves_out_is_the_workers_own():
    theirs = {method.name for method in sdk.DESCRIPTOR.services_by_name[table.SERVICE].methods}
    assert sorted(theirs - set(METHODS)) == [
        "AbandonTaskActivityWorkItem",
        "AbandonTaskEntityWorkItem",
        "AbandonTaskOrchestratorWorkItem",
        "CompleteActivityTask",
        "CompleteEntityTask",
        "CompleteOrchestratorTask",
        "GetWorkItems",
        "SkipGracefulOrchestrationTerminations",
    ]


@NEEDS_SDK
def test_the_statuses_have_the_sdks_numbers():
    ours = (
        durable_task()
        .messages.OrchestrationState.DESCRIPTOR.fields_by_name["orchestrationStatus"]
        .enum_type
    )
    assert (
        copied(ours, descriptors.EnumDescriptorProto()).value
        == copied(sdk.OrchestrationStatus.DESCRIPTOR, descriptors.EnumDescriptorProto()).value
    )


def test_the_well_known_types_are_protobufs_own():
    from google.protobuf import duration_pb2, empty_pb2, struct_pb2, timestamp_pb2, wrappers_pb2

    pool = durable_task().messages._pool
    for module in (duration_pb2, empty_pb2, struct_pb2, timestamp_pb2, wrappers_pb2):
        for name, descriptor in module.DESCRIPTOR.message_types_by_name.items():
            if name in lines_of(table.WELL_KNOWN):
                ours = pool.FindMessageTypeByName(f"google.protobuf.{name}")
                assert described(copied(ours, descriptors.DescriptorProto())) == described(
                    copied(descriptor, descriptors.DescriptorProto())
                ), name


def test_an_unknown_message_is_an_attribute_error():
    with pytest.raises(AttributeError, match="the protocol has no message Nothing"):
        _ = durable_task().messages.Nothing


def test_what_is_no_message_is_malformed():
    with pytest.raises(MalformedMessage, match="not a message of the Durable Task protocol"):
        parse(durable_task().messages.HistoryEvent, b"\xff\xff\xff")


@NEEDS_SDK
@pytest.mark.parametrize("order", ["ours, then the SDK's", "the SDK's, then ours"])
def test_one_process_holds_our_classes_and_the_sdks(order):
    imports = [
        "from durablectl.protocol.messages import durable_task, dapr; durable_task(); dapr()"
    ]
    imports.insert(
        order.startswith("ours"), "import durabletask.internal.orchestrator_service_pb2 as sdk"
    )
    code = "\n".join(
        [*imports, "assert durable_task().messages.HistoryEvent is not sdk.HistoryEvent"]
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_threads_that_ask_for_the_same_classes_get_the_same():
    """In a process of its own: two at a time would end it."""
    code = (
        "import sys\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from durablectl.protocol import table\n"
        "from durablectl.protocol.descriptors import lines_of\n"
        "from durablectl.protocol.messages import Messages\n"
        "sys.setswitchinterval(1e-6)\n"
        "def classes(messages):\n"
        "    return [getattr(messages, name) for name in messages.names]\n"
        "for _ in range(20):\n"
        "    messages = Messages('tried', lines_of(table.MESSAGES), table.STATUSES)\n"
        "    with ThreadPoolExecutor(8) as pool:\n"
        "        found = list(pool.map(classes, [messages] * 8))\n"
        "    assert all(each == found[0] for each in found)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_pure_implementation_of_protobuf_makes_the_same_messages():
    fields = {
        "eventId": 7,
        "timestamp": {"seconds": 1},
        "eventRaised": {"name": "n", "input": {"value": ""}},
    }
    code = (
        "from durablectl.protocol.messages import dapr, durable_task\n"
        "from google.protobuf.internal import api_implementation\n"
        "dapr()\n"
        f"made = durable_task().messages.HistoryEvent(**{fields!r})\n"
        "print(api_implementation.Type(), made.SerializeToString().hex())"
    )
    environment = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [
        "python",
        durable_task().messages.HistoryEvent(**fields).SerializeToString().hex(),
    ]


@pytest.mark.skipif(
    importlib.util.find_spec("dapr") is None,
    reason="dapr is not installed (it needs another protobuf)",
)
def test_daprs_dialect_has_daprs_facts():
    """In a process of its own: Dapr's generated modules and the SDK's exclude each other."""
    code = f"import sys; sys.path[:0] = {sys.path!r}; from dapr_facts import check; check()"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_daprs_dialect_has_the_common_methods_and_its_own():
    assert set(dapr().methods) - set(durable_task().methods) == {
        "ListInstanceIDs",
        "GetInstanceHistory",
    }
    assert "QueryInstances" not in dapr().methods


def test_a_routed_event_of_dapr_keeps_its_kind():
    kind = dapr().messages.HistoryEvent
    event = kind(
        timestamp=time_field(T0), timerFired={"timerId": 3}, router={"sourceAppID": "shop"}
    )
    read = parse(kind, event.SerializeToString())
    assert (
        read.WhichOneof("eventType"),
        read.router.sourceAppID,
        read_time(read, "timestamp"),
    ) == ("timerFired", "shop", T0)


@pytest.mark.parametrize(
    "arguments", [["--version"], ["status", "some-id", "--hub", "hub.db"]], ids=" ".join
)
def test_nothing_of_the_protocol_is_loaded_before_it_is_needed(arguments, tmp_path):
    code = (
        "import sys\n"
        "from durablectl.cli.main import main\n"
        f"main({arguments!r})\n"
        "print([name for name in sys.modules if name.startswith(('durablectl.protocol', 'google', "
        "'grpc'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1] == "[]"
