"""The options of what is to be started."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import typer

from durablectl.cli.arguments.parameters import (
    EncodeOption,
    Fields,
    InputFile,
    InputJson,
    InstanceIdOption,
    Version,
)
from durablectl.model import IfExists

IfExistsOption = Annotated[
    IfExists,
    typer.Option("--if-exists", help="What to do when any instance, finished or not, has the id."),
]


At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="TIME", help="Start at this time, or after this duration (gRPC hubs)."
    ),
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="KEY=VALUE", help="Attach this tag (repeatable; gRPC hubs)."),
]


class New(NamedTuple):
    """The options of what is to be started."""

    fields: Fields = None
    input: InputFile = None
    input_json: InputJson = None
    encode: EncodeOption = None
    instance_id: InstanceIdOption = None
    if_exists: IfExistsOption = IfExists.FAIL
    orchestration_version: Version = None
    at: At = None
    tag: Tags = None

    @property
    def is_scheduled(self) -> bool:
        """Whether it needs more than a plain start."""
        return self.at is not None or bool(self.tag)
