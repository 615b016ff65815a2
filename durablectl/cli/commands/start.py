"""`durablectl start`: start an instance, and show how to watch and steer it."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl.cli import names
from durablectl.cli.bulk import Bulk, start_batch
from durablectl.cli.parameters import (
    All_,
    Any_,
    Count,
    Encode,
    EncodeOption,
    FailFast,
    Fields,
    InputFile,
    InputJson,
    InstanceIdOption,
    Interval,
    OnTimeout,
    OnTimeoutOption,
    Pace,
    Response,
    Timeout,
    Until,
    Version,
)
from durablectl.cli.reporting import Ci, Junit
from durablectl.cli.session import Session
from durablectl.cli.showing import show_new_payload
from durablectl.cli.spread import spread
from durablectl.cli.started import Call, FunctionKeyEnv, Header, Method, is_starter, start_by_url
from durablectl.cli.starting import IfExistsOption, has_nobody, start_instance
from durablectl.cli.targets import input_of
from durablectl.cli.waiting import WaitOptions, wait_and_show
from durablectl.errors import UsageError
from durablectl.model import IfExists

OptionalOrchestrator = Annotated[
    str | None,
    typer.Argument(metavar="ORCHESTRATOR", help="The orchestrator's name.", show_default=False, autocompletion=names.orchestrators),
]
Batch = Annotated[
    str | None, typer.Option("--batch", metavar="FILE", help="Start one a line of a file of JSON lines; - is standard input.")
]
Failed = Annotated[
    str | None, typer.Option("--failed", metavar="FILE", help="Where --batch keeps what failed (default: FILE.failed.jsonl beside it).")
]
Wait = Annotated[bool, typer.Option("--wait", "-w", help="Wait until it is finished; takes all options of `durablectl wait`.")]


@spread
def start(
    ctx: typer.Context,
    pace: Pace,
    name: OptionalOrchestrator = None,
    fields: Fields = None,
    input: InputFile = None,
    input_json: InputJson = None,
    encode: EncodeOption = None,
    instance_id: InstanceIdOption = None,
    if_exists: IfExistsOption = IfExists.FAIL,
    orchestration_version: Version = None,
    wait: Wait = False,
    timeout: Timeout = None,
    interval: Interval = None,
    until: Until = None,
    any: Any_ = False,
    all: All_ = False,
    count: Count = None,
    fail_fast: FailFast = False,
    on_timeout: OnTimeoutOption = OnTimeout.LEAVE,
    response: Response = False,
    batch: Batch = None,
    failed: Failed = None,
    header: Header = None,
    method: Method = None,
    function_key_env: FunctionKeyEnv = None,
    junit: Junit = None,
    ci: Ci = None,
) -> None:
    """Start an instance of an orchestrator.

    The input is JSON from a file, from standard input (--input -), from --input-json, or from fields. Nothing is started unless it can be
    read. Prints the id, the state, what to do next, and the addresses of the instance; with -o json the service's check-status payload.

    The address of an HTTP starter function (https://app/api/orchestrators/Hello) may stand instead of an orchestrator's name: the input
    is posted there, and the payload that it answers with is taken over; a key in it is kept in a file of yours until the instance ends.

    --batch starts one a line, {"name": "order", "instanceId": "order-7", "input": {}}: the name may be given once for all, an id makes it
    safe to run again. What failed or is left after Ctrl-C is in FILE.failed.jsonl, which can be run again.

    Examples:
      durablectl start order --input order.json
      durablectl start order city=Tokyo count:=3 --wait --timeout 30s
      durablectl start order --batch orders.jsonl --if-exists attach
      durablectl start order --instance-id order-7 --if-exists attach -o json > run.json
    """
    session: Session = ctx.obj
    options = WaitOptions.of(
        any=any,
        all=all,
        count=count,
        timeout=timeout,
        interval=interval,
        until=until,
        fail_fast=fail_fast,
        on_timeout=on_timeout,
        response=response,
        junit=junit,
        ci=ci,
    )
    if not wait and options != WaitOptions():
        raise UsageError("an option of `wait` was given, but not --wait", hint="add --wait")
    if batch is not None:
        if wait or fields or input or input_json is not None or instance_id is not None:
            raise UsageError("--batch goes with no input, fields, --instance-id or --wait", hint="they are in its lines; wait for the ids")
        start_batch(session, Bulk(batch, name, pace, if_exists, orchestration_version, encode, failed))
        return
    if pace != Pace() or failed is not None:
        raise UsageError("--concurrency, --rate, --max-failures and --failed are for --batch", hint="add --batch FILE")
    if name is None:
        raise UsageError("no orchestrator was named", hint="durablectl start ORCHESTRATOR, or --batch FILE")
    call = Call(header or (), method, function_key_env)
    if is_starter(name):
        if instance_id is not None or if_exists is not IfExists.FAIL or orchestration_version is not None:
            raise UsageError(
                "--instance-id, --if-exists and --orchestration-version are the starter function's choice", hint="leave them out"
            )
        hub, payload = start_by_url(session, name, input_of(session, input, input_json, fields, encode or Encode.JSON), call)
    else:
        if not call.is_default:
            raise UsageError("--header, --method and --function-key-env are for a starter's URL", hint="durablectl start https://…/api/…")
        value = input_of(session, input, input_json, fields, encode)
        hub, payload = start_instance(session, name, value, instance_id=instance_id, if_exists=if_exists, version=orchestration_version)
    if wait:
        session.out.note(f"started {payload.id}")
        wait_and_show(session, hub, [payload.id], options)
    show_new_payload(session, hub, payload)
    if not is_starter(name) and has_nobody(session, hub):
        session.out.note("nobody works on this hub now; `durablectl wait` does while it waits, `durablectl worker` until it is stopped")
