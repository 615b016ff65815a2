"""Run the user's files as modules, and say what went wrong in their words: file, line and reason,
never a traceback.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from durablectl.errors import AppError, reason_of
from durablectl.functionapp.declared import shown
from durablectl.functionapp.sdk2.recognise import python_for_sdk2

_LONGEST_REASON = 400
_INSTALLED = ("site-packages", "dist-packages")

# What the last app left in sys.modules and sys.path. Siblings of one app must not be found by the
# next one that has the same names.
_modules: set[str] = set()
_folders: list[str] = []


def enter(folder: Path) -> None:
    """Make `folder` the app that is loaded next: first on sys.path, and nothing of the one before
    is left.
    """
    leave()
    _folders.append(str(folder))
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()


def leave() -> None:
    """Take the app entered last out of sys.path and sys.modules."""
    for name in _modules | {"__app__"}:
        sys.modules.pop(name, None)
    for entry in _folders:
        with contextlib.suppress(ValueError):
            sys.path.remove(entry)
    _modules.clear()
    _folders.clear()


def import_app(file: Path) -> ModuleType:
    """Run a function_app.py of the app entered as the module `function_app`; AppError when that
    fails.

    The module is in sys.modules before it runs: custom classes are decoded by looking there. What
    it prints goes to stderr.
    """
    with _guarded(file.parent):
        spec = importlib.util.spec_from_file_location("function_app", file)
        assert spec is not None  # the name of the file ends with .py
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["function_app"] = module
        spec.loader.exec_module(module)
        return module


def import_script(app: Path, script: Path) -> ModuleType:
    """Run one script of a function.json app as a module below `__app__`, the package that the
    Functions worker gives it.
    """
    try:
        parts = script.relative_to(app).with_suffix("").parts
    except ValueError:
        raise AppError(f"{shown(script)} lies outside of the app {shown(app)}") from None
    if not script.is_file():
        raise AppError(
            f"no such file: {shown(script)}",
            hint="the function.json beside it names it as its scriptFile",
        )
    with _guarded(app):
        if getattr(sys.modules.get("__app__"), "__path__", None) != [str(app)]:
            sys.modules["__app__"] = package = ModuleType("__app__")
            package.__path__ = [str(app)]
        return importlib.import_module(
            ".".join(("__app__", *(parts[:-1] if parts[-1] == "__init__" else parts)))
        )


@contextlib.contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    """Print to stderr, and turn whatever is raised into an AppError."""
    before = set(sys.modules) - {"function_app"}
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except (AppError, KeyboardInterrupt):
        raise
    except BaseException as error:
        _remember(before, folder)
        leave()
        raise _told(error, folder) from error
    _remember(before, folder)


def _remember(before: set[str], folder: Path) -> None:
    _modules.update(
        name for name in set(sys.modules) - before if _is_users(_home(sys.modules[name]), folder)
    )


def _home(module: ModuleType) -> str | None:
    # A folder without an __init__.py is a module without a file.
    return getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)


def _told(error: BaseException, folder: Path) -> AppError:
    place = _innermost(error, folder)
    match error:
        case SyntaxError():
            where = f"{shown(Path(error.filename))}:{error.lineno}" if error.filename else place
            return AppError(f"syntax error in the app: {where}: {error.msg}")
        case ModuleNotFoundError(name=str(name)):
            return AppError(
                f"the app needs '{name}', which is not installed here ({place})",
                hint=_install(name, folder),
            )
        case SystemExit():
            return AppError(
                f"the app calls sys.exit({error.code!r}) while it is loaded ({place})",
                hint="put that below `if __name__ == '__main__':`",
            )
        case OSError() if place == shown(folder):
            return AppError(f"cannot read the app in {place}: {reason_of(error)}")
    hint = python_for_sdk2(error)
    if hint is None and "azure-functions-durable" in str(error):
        hint = _install("azure.durable_functions", folder)
    return AppError(f"the app fails while it is loaded: {place}: {_reason(error)}", hint=hint)


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:_LONGEST_REASON]}" if text else type(error).__name__


def _innermost(error: BaseException, folder: Path) -> str:
    """The innermost place in the user's own files, as file:line; the app's folder when there is
    none.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if _is_users(frame.filename, folder)
    ]
    return f"{shown(Path(frames[-1].filename))}:{frames[-1].lineno}" if frames else shown(folder)


def _is_users(file: str | None, folder: Path) -> bool:
    if file is None or not Path(file).is_relative_to(folder):
        return False
    inside = Path(file).relative_to(folder).parts
    # An app may lie above its virtual environment, or above this very package.
    return not any(part in _INSTALLED for part in inside) and not Path(file).is_relative_to(
        Path(__file__).parents[1]
    )


def _install(module: str, folder: Path) -> str:
    pip = f"{sys.executable} -m pip install"
    if (folder / "requirements.txt").is_file():
        return f"{pip} -r {shown(folder / 'requirements.txt')}"
    if module.split(".")[0] == "azure":
        return f"{pip} azure-functions-durable"
    return f"{pip} {module.split('.')[0]}, if that is the package's name"
