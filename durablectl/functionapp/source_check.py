"""Calls in orchestrators' source that a replay does not repeat, or that do not work on Azure, each
with what to use instead.

Reads source files and runs nothing.
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType

from durablectl.engine.registry import Orchestrator, Registry
from durablectl.engine.replay.portability import LONGEST_TIMER, POINTS
from durablectl.functionapp.declared import shown

MOST_BYTES = 5_000_000  # of one source file
MOST_DAYS = LONGEST_TIMER.days
POSITION_OF_ZONE = 8  # among the arguments of a datetime
NO_ZONE = "a timer with a time that has no zone"
LONG = f"a timer of more than {MOST_DAYS} days that it cancels"
_POINTS = {NO_ZONE: 42, LONG: 19}
"""Those that are portability warnings: the points of docs/fidelity.md."""

_NOW = "context.current_utc_datetime"
_ACTIVITY = "an activity"
_HTTP = "context.call_http, or an activity"
_UNSAFE: dict[str, str] = {
    "random": _ACTIVITY,
    "secrets": _ACTIVITY,
    "uuid.uuid1": "context.new_uuid()",
    "uuid.uuid4": "context.new_uuid()",
    "datetime.datetime.now": _NOW,
    "datetime.datetime.utcnow": _NOW,
    "datetime.datetime.today": _NOW,
    "datetime.date.today": f"{_NOW}.date()",
    "time.sleep": "context.create_timer",
    "time": _NOW,
    "os.environ": "the input, or an activity",
    "os.getenv": "the input, or an activity",
    "os.getpid": _ACTIVITY,
    "os.urandom": _ACTIVITY,
    "open": _ACTIVITY,
    "io.open": _ACTIVITY,
    "input": "context.wait_for_external_event",
    "requests": _HTTP,
    "httpx": _HTTP,
    "aiohttp": _HTTP,
    "urllib.request": _HTTP,
    "http.client": _HTTP,
    "socket": _ACTIVITY,
    "subprocess": _ACTIVITY,
}
_SAFE = frozenset({"time.struct_time", "time.strptime"})
_BUILTINS = frozenset({"open", "input", "set", "frozenset", "list", "tuple", "next", "iter"})
_ORDERED = frozenset({"list", "tuple", "next", "iter"})
_FunctionDef = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class UnsafeCall:
    """A call that is not replay-safe, or that is otherwise on Azure: where, what, why, and what to
    use.
    """

    file: str
    line: int
    orchestrator: str
    name: str
    instead: str

    @property
    def sentence(self) -> str:
        uses = f"{self.file}:{self.line}: orchestrator '{self.orchestrator}' uses {self.name}"
        point = _POINTS.get(self.name)
        if point is None:
            return f"{uses}, which is not replay-safe; use {self.instead}"
        return (
            f"{uses}. That works here; on Azure {POINTS[point].there} (point {point} of the "
            f"fidelity table). Instead, {self.instead}"
        )

    def to_json(self) -> dict[str, object]:
        return {
            "file": self.file,
            "line": self.line,
            "orchestrator": self.orchestrator,
            "name": self.name,
            "point": _POINTS.get(self.name),
            "instead": self.instead,
        }


def unsafe_calls(registry: Registry, started: str | None = None) -> list[UnsafeCall]:
    """All of an app, in the order of its files; an orchestrator without readable source has none.

    Helper functions of the same file that an orchestrator calls are read too, each line once. With
    `started` only that orchestrator is read, and those that the source names from there on.
    """
    read = functools.cache(_read)
    found: dict[tuple[str, int, str], UnsafeCall] = {}
    known = _known_names(registry)
    todo = [*(registry.orchestrators.names if started is None else [started.lower()])]
    seen = set[str]()
    while todo:
        name = known.get(todo.pop(0).lower())
        orchestrator = None if name is None or name in seen else registry.orchestrators.get(name)
        if name is None or orchestrator is None:
            continue
        seen.add(name)
        code = _code_of(orchestrator)
        module = None if code is None else read(code.co_filename)
        if code is None or module is None:
            continue
        node = module.find(code.co_firstlineno, code.co_name)
        for reader in () if node is None else module.readers(node):
            for line, what, instead in reader.found():
                call = UnsafeCall(shown(Path(code.co_filename)), line, name, what, instead)
                found.setdefault((code.co_filename, line, what), call)
            todo += sorted(reader.named()) if started is not None else []
    return sorted(found.values(), key=lambda each: (each.file, each.line))


def _known_names(registry: Registry) -> dict[str, str]:
    """The orchestrators' names, by these and by those of their functions, in lower case."""
    known = {}
    for name in registry.orchestrators.names:
        orchestrator = registry.orchestrators.get(name)
        code = None if orchestrator is None else _code_of(orchestrator)
        if code is not None:
            known[code.co_name.lower()] = name
    return known | {name.lower(): name for name in registry.orchestrators.names}


def _code_of(orchestrator: Orchestrator) -> CodeType | None:
    code = getattr(inspect.unwrap(orchestrator.function), "__code__", None)
    return code if isinstance(code, CodeType) else None


@dataclass(slots=True)
class _Module:
    """A source file: its functions, and what the names that it imports stand for."""

    functions: list[_FunctionDef]
    imports: dict[str, str]
    helpers: dict[str, _FunctionDef] = field(default_factory=dict)

    def find(self, line: int, name: str) -> _FunctionDef | None:
        """The function that begins on a line, its decorators included."""
        for node in self.functions:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if node.name == name and line in (first, node.lineno):
                return node
        return None

    def readers(self, node: _FunctionDef) -> Iterator[_Reader]:
        """Readers of the function and of the helpers that it calls."""
        seen, todo = {node.name}, [node]
        while todo:
            reader = _Reader(self, todo.pop())
            yield reader
            for name in reader.called() - seen:
                seen.add(name)
                if (helper := self.helpers.get(name)) is not None:
                    todo.append(helper)


class _Reader:
    """Reads one function."""

    def __init__(self, module: _Module, function: _FunctionDef) -> None:
        self._function = function
        self._imports = module.imports | _imports_in(function)
        self._locals = _names_bound_in(function) - _imports_in(function).keys()
        self._sets = _names_of(function, self._is_set)
        self._long = _names_of(function, self._is_long_timer)

    def called(self) -> set[str]:
        """The functions that it calls by a name that is not bound in it."""
        calls = (node.func for node in _nodes_of(self._function) if isinstance(node, ast.Call))
        return {func.id for func in calls if isinstance(func, ast.Name)} - self._locals

    def named(self) -> set[str]:
        """All names and texts in it: sub-orchestrators are among them."""
        found = set[str]()
        for node in _nodes_of(self._function):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                    found.add(name)
        return found

    def found(self) -> Iterator[tuple[int, str, str]]:
        for node in _nodes_of(self._function):
            match node:
                case ast.Call(func=ast.Attribute(attr="create_timer")) if self._has_no_zone(node):
                    yield node.lineno, NO_ZONE, POINTS[_POINTS[NO_ZONE]].instead
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="cancel")) if (
                    name in self._long
                ):
                    yield node.lineno, LONG, POINTS[_POINTS[LONG]].instead
                case ast.Call():
                    yield from self._call(node)
                case ast.Attribute() | ast.Name() if self._path(node) == "os.environ":
                    yield node.lineno, "os.environ", _UNSAFE["os.environ"]
                case ast.For(iter=source) | ast.comprehension(iter=source) if self._is_set(source):
                    yield _order_of(source)

    def _call(self, node: ast.Call) -> Iterator[tuple[int, str, str]]:
        path = self._path(node.func)
        if path == "random.Random" and node.args:
            return  # seeded: the same numbers in every replay
        if path in _ORDERED and node.args and self._is_set(node.args[0]):
            yield _order_of(node.args[0])
        instead = _replacement(path)
        if instead is not None and not path.startswith("os.environ"):
            yield node.lineno, path, instead

    def _path(self, node: ast.expr) -> str:
        """What an expression stands for, as `datetime.datetime.now`; "" when it is not known."""
        if isinstance(node, ast.Attribute):
            inner = self._path(node.value)
            return f"{inner}.{node.attr}" if inner else ""
        if not isinstance(node, ast.Name) or node.id in self._locals:
            return ""
        return self._imports.get(node.id, node.id if node.id in _BUILTINS else "")

    def _is_set(self, node: ast.expr) -> bool:
        match node:
            case ast.Set() | ast.SetComp():
                return True
            case ast.Call(func=func):
                return self._path(func) in ("set", "frozenset")
            case ast.Name(id=name):
                return name in getattr(self, "_sets", ())
        return False

    def _has_no_zone(self, timer: ast.Call) -> bool:
        """Whether a timer is set to a time that is written without a zone."""
        match timer.args:
            case [ast.Call(func=func, args=args, keywords=keywords)]:
                named = {each.arg for each in keywords}
                is_time = self._path(func) == "datetime.datetime" and len(args) < POSITION_OF_ZONE
                return is_time and not named & {"tzinfo", None}
        return False

    def _is_long_timer(self, node: ast.expr) -> bool:
        """Whether a timer is set to a time that is more than six days ahead."""
        match node:
            case ast.Call(
                func=ast.Attribute(attr="create_timer"),
                args=[ast.BinOp(op=ast.Add(), right=ast.Call(func=func) as ahead)],
            ):
                return self._path(func) == "datetime.timedelta" and _days(ahead) > MOST_DAYS
        return False


def _replacement(path: str) -> str | None:
    """What to use instead of a name; None when it is safe."""
    if not path or path in _SAFE:
        return None
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        if (instead := _UNSAFE.get(".".join(parts[:length]))) is not None:
            return instead
    return None


def _days(duration: ast.Call) -> float:
    """How many days a timedelta that is written in numbers has, at least."""
    units = {"weeks": 7.0, "days": 1.0, "hours": 1 / 24}
    days = 0.0
    for each in duration.keywords:
        if isinstance(each.value, ast.Constant) and isinstance(each.value.value, int | float):
            days += units.get(each.arg or "", 0.0) * each.value.value
    match duration.args:
        case [ast.Constant(value=int() | float() as value), *_]:
            days += value
    return days


def _order_of(node: ast.expr) -> tuple[int, str, str]:
    return node.lineno, "the order of a set", "sorted(...)"


def _nodes_of(function: _FunctionDef) -> Iterator[ast.AST]:
    """The body's nodes, inner functions included, decorators and annotations left out."""
    for statement in function.body:
        yield from ast.walk(statement)


def _names_bound_in(function: _FunctionDef) -> set[str]:
    arguments = function.args
    bound = {each.arg for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]}
    for node in _nodes_of(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
    return bound


def _names_of(function: _FunctionDef, holds: Callable[[ast.expr], bool]) -> set[str]:
    """The names that hold such a value wherever they are assigned."""
    found, others = set[str](), set[str]()
    for node in _nodes_of(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    (found if holds(node.value) else others).add(target.id)
    return found - others


def _imports_in(tree: ast.AST) -> dict[str, str]:
    """What the names that are imported anywhere in a tree stand for."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                top = each.name.partition(".")[0]
                found[each.asname or top] = each.name if each.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for each in node.names:
                found[each.asname or each.name] = f"{node.module}.{each.name}"
    return found


def _read(file: str) -> _Module | None:
    """The source of a file; None when it cannot be read as Python, or is too large."""
    path = Path(file)
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
    functions = [node for node in ast.walk(tree) if isinstance(node, _FunctionDef)]
    helpers = {node.name: node for node in functions if not node.decorator_list}
    top = ast.Module([node for node in tree.body if not isinstance(node, _FunctionDef)], [])
    return _Module(functions, _imports_in(top), helpers)
