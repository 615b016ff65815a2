"""The `local.settings.json` beside an app: its environment; loads no app."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from durablectl.errors import AppError, reason_of
from durablectl.functionapp.declared import shown

_put: dict[str, str] = {}
"""What the last app has put into the environment: it goes with that app, or with its entry in the
file."""


def apply_settings(folder: Path, environ: MutableMapping[str, str]) -> list[str]:
    """Put the `Values` into `environ` without overriding what is set; what the author should hear,
    never a value.

    What was put there before, by this app or by another, is brought up to date. AppError when the
    file cannot be read or understood.
    """
    values, warnings = _values(folder / "local.settings.json")
    mine = {name for name, value in _put.items() if environ.get(name) == value}
    for name in mine - values.keys():
        del environ[name]
    _put.clear()
    for name, value in values.items():
        if name in mine or name not in environ:
            try:
                environ[name] = value
            except (ValueError, OSError) as error:
                raise AppError(
                    f"local.settings.json: {name!r} cannot be set as an environment variable"
                ) from error
            _put[name] = value
    return warnings


def _values(path: Path) -> tuple[dict[str, str], list[str]]:
    if not path.is_file():
        return {}, []
    settings = read_object(path)
    values = settings.get("Values") or {}
    if settings.get("IsEncrypted") is True and values:
        return {}, [f"{shown(path)} is encrypted: its values are not used (func settings decrypt)"]
    if not isinstance(values, dict):
        raise AppError(
            f"{shown(path)}: 'Values' is not an object",
            hint='expected {"Values": {"NAME": "text"}}',
        )
    for name, value in values.items():
        if isinstance(value, (dict, list)):
            raise AppError(
                f"{shown(path)}: the value of '{name}' is not a string",
                hint="values of local.settings.json are strings",
            )
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
        if value is not None
    }
    return texts, []


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file of an app; `AppError` when there is none."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise AppError(
            f"{shown(path)}:{error.lineno}:{error.colno}: not JSON: {error.msg.lower()}"
        ) from error
    except UnicodeDecodeError as error:
        raise AppError(f"{shown(path)}: not UTF-8 (byte {error.start})") from error
    except (OSError, ValueError, RecursionError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else error
        raise AppError(f"cannot read {shown(path)}: {reason}") from error
    if not isinstance(settings, dict):
        raise AppError(f"{shown(path)}: not a JSON object")
    return settings
