"""README and tutorial are followed as printed, in a clone, by a reader who has Python and nothing
else: what is installed is what the text says.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.conftest import KEY, ROOT
from tests.docs.following import checked, follow
from tests.docs.pages import Step, steps
from tests.docs.test_pages import SHOWN_ADDRESS


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a clone of the repository would hold."""
    folder = tmp_path / "clone"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("this is not a clone")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The variables of a reader with an empty home; where pip finds its packages comes along."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(sys._base_executable)
    (tmp_path / "empty").mkdir()
    return {
        "HOME": str(tmp_path / "empty"),
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "LANG": "C.UTF-8",
        "ORDERS_KEY": KEY,
        "PIP_CACHE_DIR": str(Path("~/.cache/pip").expanduser()),
        **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
    }


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", ["README.md", "docs/learn/tutorial.md"])
def test_a_newcomer_gets_what_the_page_shows(page, clone, bare, address, tmp_path):
    todo = [
        Step(
            step.script.replace(SHOWN_ADDRESS, address),
            step.expected and step.expected.replace(SHOWN_ADDRESS, address),
            step.line,
        )
        for step in steps(ROOT / page)
        if isinstance(step, Step)
    ]
    follow(todo, clone, bare, tmp_path / "results")
    assert all(KEY not in printed for printed in checked(todo, tmp_path / "results", page))
    left = {path.name for path in (tmp_path / "empty").rglob("*") if path.is_file()}
    assert left == ({"last.json"} if "tutorial" in page else {"contexts.toml", "last.json"})
