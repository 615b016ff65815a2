"""The global options: declared once, taken before or after the command, from a flag or from its
variable. Knows no Typer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from durablectl.cli.framework.command_table import GLOBALS, flags_of, variable_of
from durablectl.config import check_variable
from durablectl.config.quantities import parse_interval
from durablectl.errors import UsageError, about
from durablectl.new_ids import check_connection, check_task_hub
from durablectl.render.output import Color, OutputFormat

MARK = "durablectl_global"
STUCK_FOR = "2h"
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"", "0", "false", "no", "off"})


class GlobalOptions(NamedTuple):
    """What every command can be told.

    `given` says where a value came from: "flag --hub", "DURABLECTL_HUB"; absent: the default.
    """

    context: str | None = None
    hub: str | None = None
    task_hub: str | None = None
    connection: str | None = None
    key_env: str | None = None
    app: str | None = None
    request_timeout: float | None = None
    output: OutputFormat = OutputFormat.TEXT
    query: str | None = None
    quiet: bool = False
    verbose: bool = False
    color: Color = Color.AUTO
    no_progress: bool = False
    debug: bool = False
    show_secrets: bool = False
    given: Mapping[str, str] = MappingProxyType({})


_Choice = TypeVar("_Choice", bound=Enum)


def _one_of(kind: type[_Choice]) -> Callable[[str], _Choice]:
    def read(text: str) -> _Choice:
        try:
            return kind(text.lower())
        except ValueError:
            raise UsageError(
                f"'{text}' is not one of {', '.join(str(each.value) for each in kind)}"
            ) from None

    return read


def _truth(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise UsageError(f"'{text}' is neither 1 nor 0")


def _checked(check: Callable[[str, str], None]) -> Callable[[str], str]:
    def read(text: str) -> str:
        check(text, "this")
        return text

    return read


_READERS: dict[str, Callable[[str], Any]] = {
    "task_hub": _checked(check_task_hub),
    "connection": _checked(check_connection),
    "key_env": _checked(check_variable),
    "request_timeout": parse_interval,
    "output": _one_of(OutputFormat),
    "color": _one_of(Color),
}


def is_global(param: object) -> bool:
    return bool(getattr(param, MARK, False))


def global_facts(name: str) -> tuple[str | None, Any, tuple[str, ...]]:
    """The variable of a global option, its default, and the values it can have if these are few."""
    default = GlobalOptions._field_defaults[name]
    if isinstance(default, Enum):
        return variable_of(name), default.value, tuple(each.value for each in type(default))
    return variable_of(name), default, ()


def read_options(given: Mapping[str, Any], environ: Mapping[str, str]) -> GlobalOptions:
    """The options of one invocation: what was `given` as flags (raw texts and True), else the
    variables, else the defaults.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name in GLOBALS:
        variable = variable_of(name)
        if (flag := given.get(name)) is not None and flag is not False:
            source, text = f"flag {flags_of(name)[0]}", flag
        elif variable and environ.get(variable):
            source, text = variable, environ[variable]
        else:
            continue
        values[name] = True if text is True else _read(name, text, source)
        sources[name] = source
    _check_pairs(values, sources)
    _let_query_ask_json(values, sources)
    return GlobalOptions(**values, given=sources)


def with_default_values(arguments: Sequence[str], command: str = "") -> list[str]:
    """The arguments with a value after `--stuck`, and after the `--from` of `restart`, where it has
    none: the options that can do without.
    """
    defaults = {"--stuck": STUCK_FOR} | ({"--from": ""} if command == "restart" else {})
    given = list(arguments)
    options = given[: given.index("--")] if "--" in given else given
    for index in [index for index, word in enumerate(options) if word in defaults]:
        following = given[index + 1] if index + 1 < len(given) else "--"
        if following.startswith("-") and following != "-":
            given[index] = f"{given[index]}={defaults[given[index]]}"
    return given


def _read(name: str, text: str, source: str) -> Any:
    has_value = bool(GLOBALS[name][0])
    shown = source.removeprefix("flag ")
    with about(shown):
        value = _READERS.get(name, str if has_value else _truth)(text)
    if has_value and value == "":
        raise UsageError(f"{shown} is empty")
    return value


def _check_pairs(values: dict[str, Any], sources: dict[str, str]) -> None:
    """A flag overrules a variable that says the same thing in other words; two of one rank
    contradict each other.
    """
    for one, other in (("context", "hub"), ("quiet", "verbose")):
        if one not in values or other not in values:
            continue
        by_flag = [name for name in (one, other) if sources[name].startswith("flag")]
        if len(by_flag) == 1:
            overruled = other if by_flag == [one] else one
            del values[overruled], sources[overruled]
        else:
            both = " and ".join(sources[name].removeprefix("flag ") for name in (one, other))
            raise UsageError(f"{both} exclude each other", hint="give only one of them")


def _let_query_ask_json(values: dict[str, Any], sources: dict[str, str]) -> None:
    """A query filters JSON, so it brings `-o json` along; it is refused beside a flag that requires
    something else.
    """
    if "query" not in values or values.get("output") in (OutputFormat.JSON, OutputFormat.JSONL):
        return
    if sources.get("output", "").startswith("flag"):
        raise UsageError(
            f"--query filters JSON, not -o {values['output'].value}", hint="use -o json or -o jsonl"
        )
    values["output"], sources["output"] = OutputFormat.JSON, sources["query"]
