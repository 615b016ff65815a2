"""Follow a page's steps in one shell, and compare what they print with what the page shows."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.docs.pages import Step, is_as_shown


def follow(page: Sequence[Step], work: Path, env: dict[str, str], results: Path) -> None:
    """Run the steps in one shell, up to the first that fails."""
    results.mkdir()
    script = ["trap 'kill $(jobs -p) 2> /dev/null' EXIT"]
    for number, step in enumerate(page):
        out, code = (
            shlex.quote(str(results / f"{number}.out")),
            shlex.quote(str(results / f"{number}.code")),
        )
        script.append(
            f"{{\n{step.script}\n}} > {out} 2>&1 < /dev/null\necho $? > {code}\n[ $(cat "
            f"{code}) = 0 ] || exit 0"
        )
    subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", "\n".join(script)],
        cwd=work,
        env=env,
        timeout=850,
        check=True,
    )


def checked(page: Sequence[Step], results: Path, name: object) -> Iterator[str]:
    """What each step printed; AssertionError for one that failed, or printed something else."""
    for number, step in enumerate(page):
        where = f"{name}, line {step.line}: {step.script}"
        printed = (results / f"{number}.out").read_text(encoding="utf-8")
        code = (results / f"{number}.code").read_text().strip()
        assert code == "0", f"{where}\nexit {code}\n{printed}"
        assert step.expected is None or is_as_shown(step.expected, printed), (
            f"{where}\nshown:\n{step.expected}\nprinted:\n{printed}"
        )
        yield printed
