"""The options of an input, and of what is to be started."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, NamedTuple

import typer

from durablectl.model import IfExists


class Encode(StrEnum):
    """How an input is sent."""

    JSON = "json"
    STRING = "string"


Fields = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FIELD]...",
        help="Input fields: name=text, name:=json, name=@file.txt, name:=@file.json.",
    ),
]
InputFile = Annotated[
    str | None,
    typer.Option(
        "--input", "-i", metavar="FILE", help="A JSON file with the input; - is standard input."
    ),
]
InputJson = Annotated[
    str | None, typer.Option("--input-json", metavar="TEXT", help="The input as JSON text.")
]
EncodeOption = Annotated[
    Encode | None,
    typer.Option(
        "--encode",
        help="Send JSON, or JSON held in a string as Python 1.x apps on "
        "Azure read it (default: the context's).",
    ),
]


class Input(NamedTuple):
    """The options of an input: at most one of three sources, and how it is sent."""

    fields: Fields = None
    input: InputFile = None
    input_json: InputJson = None
    encode: EncodeOption = None

    @property
    def is_given(self) -> bool:
        return bool(self.fields) or self.input is not None or self.input_json is not None


class New(NamedTuple):
    """The options of what is to be started."""

    instance_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The new instance's id (default: 32 random hex digits)."),
    ] = None
    if_exists: Annotated[
        IfExists, typer.Option(help="What to do when any instance, finished or not, has the id.")
    ] = IfExists.FAIL
    orchestration_version: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="The version of the orchestrator to start."),
    ] = None
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Start at this time, or after this duration (not over HTTP)."
        ),
    ] = None
    tag: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Attach this tag (repeatable; not over HTTP)."),
    ] = None
