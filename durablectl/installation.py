"""How durablectl was installed here, and the command that adds packages to that installation; runs
nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from durablectl.errors import MissingExtra
from durablectl.quoting import quoted

NAME = "durablectl"


class Installation(NamedTuple):
    """One installation: its Python, the folder of its environment, and the folder that it was
    installed from.

    `is_editable`: the code there is the code that runs. `is_zip`: one file without an environment.
    """

    python: str
    prefix: Path
    source: Path | None = None
    is_editable: bool = False
    is_zip: bool = False
    is_active: bool = False

    @property
    def python_word(self) -> str:
        """How to call this Python at a prompt."""
        return "python" if self.is_active else quoted(self.python)

    @property
    def test_python(self) -> str:
        """The Python that has durablectl, and what `install` adds beside it."""
        return ".venv/bin/python" if self.is_zip else self.python_word

    def install(self, package: str) -> str:
        """The command that installs one more package beside durablectl."""
        if self._is_pipx:
            return f"pipx inject {NAME} {package}"
        if self._is_uv_tool:
            return f"uv tool install --with {package} {quoted(self._what())}"
        if self.is_zip:
            return f"python3 -m venv .venv && .venv/bin/pip install {NAME} {package}"
        return f"{self.python_word} -m pip install {package}"

    def install_extra(self, extra: str) -> str:
        """The command that adds an extra to durablectl."""
        what = quoted(self._what(extra))
        if self._is_pipx:
            return f"pipx install --force {what}"
        if self._is_uv_tool:
            return f"uv tool install --force {what}"
        if self.is_zip:
            return f"python3 -m venv .venv && .venv/bin/pip install {what}"
        return f"{self.python_word} -m pip install {'--editable ' * self.is_editable}{what}"

    def _what(self, extra: str = "") -> str:
        return f"{NAME if self.source is None else self.source}{f'[{extra}]' if extra else ''}"

    @property
    def _is_pipx(self) -> bool:
        return (self.prefix / "pipx_metadata.json").is_file()

    @property
    def _is_uv_tool(self) -> bool:
        return (self.prefix / "uv-receipt.toml").is_file()


def installation(environ: Mapping[str, str] = os.environ) -> Installation:
    """The installation that this process runs from."""
    source, is_editable = _origin()
    return Installation(
        sys.executable,
        Path(sys.prefix),
        source,
        is_editable,
        is_zip=not Path(__file__).exists(),
        is_active=_is_active(environ),
    )


def missing_extra(extra: str, what: str, package: str) -> MissingExtra:
    """The error of a feature whose packages are not installed: `what` needs `package`."""
    return MissingExtra(
        f"{what} needs the package '{package}', which is not installed",
        hint=installation().install_extra(extra),
    )


def _origin() -> tuple[Path | None, bool]:
    """The folder that durablectl was installed from, when not from an index, and whether its code
    runs from there (PEP 610).
    """
    try:
        text = distribution(NAME).read_text("direct_url.json")
        told = json.loads(text or "{}")
        address = urlsplit(told["url"])
    except (PackageNotFoundError, KeyError, ValueError, OSError):
        return None, False
    if address.scheme != "file" or "dir_info" not in told:
        return None, False
    return Path(url2pathname(address.path)), bool(told["dir_info"].get("editable"))


def _is_active(environ: Mapping[str, str]) -> bool:
    """Whether `python` at the prompt is this one."""
    found = shutil.which("python", path=environ.get("PATH"))
    return found is not None and Path(found).parent == Path(sys.executable).parent
