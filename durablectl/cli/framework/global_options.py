"""The global options: declared once, taken before or after the command, from a flag or from its
variable. Knows no Typer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from durablectl.config import check_variable
from durablectl.config.quantities import parse_interval
from durablectl.errors import UsageError
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


class GlobalOption(NamedTuple):
    """One global option. A flag has no metavar."""

    name: str
    flags: tuple[str, ...]
    help: str
    metavar: str | None = None
    variable: str | None = None
    read: Callable[[str], Any] = str
    choices: tuple[str, ...] = ()


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


def _task_hub(text: str) -> str:
    check_task_hub(text, "this")
    return text


def _connection(text: str) -> str:
    check_connection(text, "this")
    return text


def _variable(text: str) -> str:
    check_variable(text, "this")
    return text


def _names(kind: type[Enum]) -> tuple[str, ...]:
    return tuple(str(each.value) for each in kind)


GLOBALS = (
    GlobalOption(
        "context",
        ("--context",),
        "Use a named context (see `durablectl context`).",
        "NAME",
        "DURABLECTL_CONTEXT",
    ),
    GlobalOption(
        "hub",
        ("--hub",),
        "Task hub: a local file, the URL of an app, or grpc://HOST:PORT.",
        "PATH|URL",
        "DURABLECTL_HUB",
    ),
    GlobalOption(
        "task_hub",
        ("--task-hub",),
        "Name of the task hub, if the app has several.",
        "NAME",
        "DURABLECTL_TASK_HUB",
        _task_hub,
    ),
    GlobalOption(
        "connection",
        ("--connection",),
        "Name of the storage connection, if not the app's default.",
        "NAME",
        "DURABLECTL_CONNECTION",
        _connection,
    ),
    GlobalOption(
        "key_env",
        ("--key-env",),
        "Environment variable that holds the key.",
        "VARIABLE",
        "DURABLECTL_KEY_ENV",
        _variable,
    ),
    GlobalOption(
        "app", ("--app",), "Function app: a function_app.py or a folder.", "PATH", "DURABLECTL_APP"
    ),
    GlobalOption(
        "request_timeout",
        ("--request-timeout",),
        "Time-out of a single request (default: 30s).",
        "DURATION",
        "DURABLECTL_REQUEST_TIMEOUT",
        parse_interval,
    ),
    GlobalOption(
        "output",
        ("--output", "-o"),
        "Output format.",
        "|".join(_names(OutputFormat)),
        "DURABLECTL_OUTPUT",
        _one_of(OutputFormat),
        _names(OutputFormat),
    ),
    GlobalOption(
        "query", ("--query",), "Filter JSON output with a JMESPath expression.", "JMESPATH"
    ),
    GlobalOption(
        "quiet",
        ("--quiet", "-q"),
        "Print only data, warnings and errors.",
        None,
        "DURABLECTL_QUIET",
        _truth,
    ),
    GlobalOption(
        "verbose", ("--verbose", "-v"), "Print more details.", None, "DURABLECTL_VERBOSE", _truth
    ),
    GlobalOption(
        "color",
        ("--color",),
        "When to use colour.",
        "|".join(_names(Color)),
        "DURABLECTL_COLOR",
        _one_of(Color),
        _names(Color),
    ),
    GlobalOption(
        "no_progress",
        ("--no-progress",),
        "Do not show live progress.",
        None,
        "DURABLECTL_NO_PROGRESS",
        _truth,
    ),
    GlobalOption(
        "debug", ("--debug",), "Print the traceback of an error.", None, "DURABLECTL_DEBUG", _truth
    ),
    GlobalOption("show_secrets", ("--show-secrets",), "Print keys instead of ***."),
)
GLOBAL_NAMES = frozenset(each.name for each in GLOBALS)


def is_global(param: object) -> bool:
    return bool(getattr(param, MARK, False))


def global_facts(name: str) -> tuple[str | None, Any, tuple[str, ...]]:
    """The variable of a global option, its default, and the values it can have if these are few."""
    option = next(each for each in GLOBALS if each.name == name)
    default = GlobalOptions._field_defaults[name]
    value = default.value if isinstance(default, Enum) else default
    return option.variable, value, option.choices


def read_options(given: Mapping[str, Any], environ: Mapping[str, str]) -> GlobalOptions:
    """The options of one invocation: what was `given` as flags (raw texts and True), else the
    variables, else the defaults.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for each in GLOBALS:
        if (flag := given.get(each.name)) is not None and flag is not False:
            source, text = f"flag {each.flags[0]}", flag
        elif each.variable and environ.get(each.variable):
            source, text = each.variable, environ[each.variable]
        else:
            continue
        values[each.name] = True if text is True else _read(each, text, source)
        sources[each.name] = source
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


def _read(option: GlobalOption, text: str, source: str) -> Any:
    try:
        value = option.read(text)
    except UsageError as error:
        raise UsageError(
            f"{source.removeprefix('flag ')}: {error.message}", hint=error.hint
        ) from error
    if option.metavar and value == "":
        raise UsageError(f"{source.removeprefix('flag ')} is empty")
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
