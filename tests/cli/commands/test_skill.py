"""`durablectl skill`: the guide for coding assistants."""

from __future__ import annotations

import json

import yaml

from durablectl.cli.framework.command_table import SUMMARIES
from durablectl.cli.framework.exit_codes import ExitCode
from durablectl.cli.framework.skill import MARK, skill_text


def test_it_is_printed_with_a_head_that_assistants_read(run):
    code, out, err = run("skill")
    assert (code, out, err) == (0, skill_text(), "")
    head = yaml.safe_load(out.split("---\n")[1])
    assert (head["name"], len(head["description"]) <= 1024) == ("durablectl", True)
    assert "{{" not in out


def test_it_has_every_command_and_every_exit_code():
    text = skill_text()
    assert [name for name in SUMMARIES if f"| `{name}" not in text] == []
    assert [code for code in ExitCode if f"\n| {code} | " not in text] == []
    assert text.count("```console") == 10


def test_it_is_installed_and_replaced(run, project):
    target = project / "skills" / "durablectl" / "SKILL.md"
    code, out, _err = run("skill", "--install", "skills")
    assert (code, out) == (0, "wrote skills/durablectl/SKILL.md\n")
    target.write_text(f"---\n---\n{MARK}\nan earlier one")
    assert json.loads(run("skill", "--install", "skills", "-o", "json").out) == {
        "path": str(target)
    }
    assert target.read_text() == skill_text()


def test_a_file_of_somebody_else_is_kept(run, project):
    target = project / "durablectl" / "SKILL.md"
    target.parent.mkdir()
    target.write_text("mine")
    code, _out, err = run("skill", "--install", ".")
    assert (code, target.read_text()) == (6, "mine")
    assert "was not written by durablectl" in err


def test_a_place_that_cannot_be_written_is_said(run, project):
    (project / "file").write_text("")
    code, _out, err = run("skill", "--install", "file")
    assert (code, err.splitlines()[0]) == (
        1,
        f"durablectl: cannot write {project / 'file/durablectl/SKILL.md'}: not a directory",
    )
