"""The reference is that of the program: generated pages are current, tables complete, links
whole."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import durablectl
from durablectl.cli.framework.exit_codes import MEANINGS
from durablectl.model import RuntimeStatus

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def test_the_pages_of_the_commands_are_current(tmp_path):
    subprocess.run(
        [sys.executable, str(DOCS / "reference" / "update.py"), str(tmp_path)],
        check=True,
        timeout=60,
    )
    written = {file.name: file.read_text() for file in tmp_path.iterdir()}
    kept = {file.name: file.read_text() for file in (DOCS / "reference" / "commands").iterdir()}
    assert kept == written, "run: python docs/reference/update.py"


def test_every_exit_code_is_explained_as_the_program_does():
    rows = re.findall(
        r"^\| (\d+) \| (.*) \|$", (DOCS / "reference" / "exit-codes.md").read_text(), re.MULTILINE
    )
    assert rows == [(str(int(code)), text) for code, text in MEANINGS.items()]


def test_every_runtime_status_is_explained():
    text = (DOCS / "reference" / "json.md").read_text()
    assert [status.value for status in RuntimeStatus if f"| `{status.value}` |" not in text] == []


@pytest.mark.parametrize("name", [name for name in durablectl.__all__ if name != "__version__"])
def test_every_public_name_is_in_the_library_s_reference(name):
    assert re.search(rf"\b{name}\b", (DOCS / "reference" / "library.md").read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_link_leads_to_a_file(page):
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
