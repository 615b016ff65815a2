"""The `local.settings.json` beside an app: its environment; loads no app."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from pathlib import Path

from durablectl.errors import AppError
from durablectl.functionapp.declared import shown


def apply_settings(folder: Path, environ: MutableMapping[str, str]) -> list[str]:
    """Put the `Values` into `environ` without overriding what is set; what the author should hear, never a value.

    AppError when the file cannot be read or understood. Without the file nothing happens.
    """
    path = folder / "local.settings.json"
    if not path.is_file():
        return []
    settings = _read(path)
    values = settings.get("Values") or {}
    if settings.get("IsEncrypted") is True and values:
        return [f"{shown(path)} is encrypted: its values are not used (func settings decrypt)"]
    if not isinstance(values, dict):
        raise AppError(f"{shown(path)}: 'Values' is no object", hint='expected {"Values": {"NAME": "text"}}')
    for name, value in values.items():
        if isinstance(value, (dict, list)):
            raise AppError(f"{shown(path)}: the value of '{name}' is no text", hint="values of local.settings.json are strings")
        if value is not None:
            environ.setdefault(name, value if isinstance(value, str) else json.dumps(value))
    return []


def _read(path: Path) -> dict[str, object]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise AppError(f"{shown(path)}:{error.lineno}:{error.colno}: not JSON: {error.msg.lower()}") from error
    except UnicodeDecodeError as error:
        raise AppError(f"{shown(path)}: not UTF-8 (byte {error.start})") from error
    except OSError as error:
        raise AppError(f"cannot read {shown(path)}: {error.strerror}") from error
    if not isinstance(settings, dict):
        raise AppError(f"{shown(path)}: not a JSON object")
    return settings
