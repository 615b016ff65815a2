"""A command line to copy is read back by a shell as the arguments that it was made of, and nothing
in them runs.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from durablectl import quoting
from durablectl.cli.framework.command_table import SUMMARIES

SIGNS = "".join(map(chr, range(1, 128))) + "é\x80\u00a0\u2019\u202e\U0001f600"
VALUES = [
    SIGNS,
    "plain-1",
    "",
    "it's",
    "=ls",
    "~root",
    "{a,b}",
    "#x",
    "!!",
    "$(touch PWN)",
    "a\n;touch PWN\n",
    "\\",
    "@name@key",
]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_posix_shell_reads_a_quoted_value_back_as_one_argument(tmp_path, shell):
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    line = " ".join(["printf '%s\\0'", *map(quoting.posix, VALUES)])
    done = subprocess.run([program, "-c", line], capture_output=True, check=True, cwd=tmp_path)
    assert done.stdout.decode().split("\0") == [*VALUES, ""]
    assert list(tmp_path.iterdir()) == []


def test_a_command_to_copy_is_one_line_whose_values_are_no_options():
    assert quoting.command("terminate", "-x\n", windows=False) == (
        "durablectl terminate -- $'-x\\x0a'"
    )
    assert quoting.command("entity get", "@cart@it's", windows=True) == (
        "durablectl entity get '@cart@it''s'"
    )
    assert (
        quoting.command("list", options=("--prefix", "a b"), windows=False)
        == "durablectl list --prefix 'a b'"
    )


def test_no_text_puts_a_command_together_by_hand():
    source = Path(__file__).parents[1] / "durablectl"
    by_hand = re.compile(rf"""f["'][^"'{{]*\bdurablectl (?:{"|".join(SUMMARIES)})\b[^"']*\{{""")
    found = [
        (path.name, each[0])
        for path in source.rglob("*.py")
        for each in by_hand.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
