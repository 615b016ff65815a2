"""`wait`, `run` and `start --wait` in a pipeline: annotations, the step summary and the JUnit
file."""

import json
from xml.etree import ElementTree as ET

import pytest
from scripted_server import status

GITHUB = {"GITHUB_ACTIONS": "true"}
AZURE = {"TF_BUILD": "True"}


@pytest.fixture
def hub(server):
    server.on(
        "GET",
        "/instances/good",
        (200, status("good", output="s3cret-output", input="s3cret-input")),
    )
    server.on(
        "GET",
        "/instances/bad",
        (200, status("bad", "Failed", output="s3cret-cause", input="s3cret-input")),
    )
    server.on(
        "GET", "/instances/slow", (202, status("slow", "Running", customStatus="s3cret-status"))
    )
    return server


def commands(err):
    return [line for line in err.splitlines() if line.startswith(("::", "##"))]


@pytest.mark.parametrize(
    ("env", "line"),
    [
        (GITHUB, "::error title=durablectl%3A order Failed::instance 'bad' (order) is Failed"),
        (
            AZURE,
            (
                "##vso[task.logissue type=error]durablectl: order Failed: instance 'bad' (order) "
                "is Failed"
            ),
        ),
        ({"CI": "true"}, None),
        ({}, None),
    ],
    ids=["GitHub", "Azure", "another runner", "no runner"],
)
def test_a_failed_wait_is_annotated(remote, hub, env, line):
    code, _, err = remote("wait", "bad", env=env)
    assert (code, commands(err)) == (10, [line] if line else [])


def test_a_timed_out_wait_is_annotated(remote, hub):
    code, _, err = remote("wait", "slow", "--timeout", "0", env=GITHUB)
    assert code == 124
    assert commands(err) == [
        (
            "::error title=durablectl%3A order timed out::instance 'slow' "
            "(order) was still Running when the wait ended"
        )
    ]


def test_a_wait_that_got_what_it_wanted_is_not_annotated(remote, hub):
    code, _, err = remote("wait", "good", "bad", "slow", "--any", env=GITHUB)
    assert (code, commands(err)) == (0, [])


def test_a_wait_that_cannot_go_on_is_annotated_too(remote, server, project):
    server.on("GET", "/instances/bad", (401, None))
    code, _, err = remote("wait", "bad", "--junit", "report.xml", env=GITHUB)
    assert (code, len(commands(err))) == (4, 1)
    (error,) = ET.parse(project / "report.xml").iter("error")
    assert error.get("message") in err


@pytest.mark.parametrize(("mode", "count"), [("auto", 1), ("off", 0)])
def test_a_gate_that_stays_shut_is_annotated(remote, server, mode, count):
    server.on("GET", "/instances", (200, [status("slow", "Running")]))
    code, _, err = remote("drain", "--timeout", "0", env={**GITHUB, "DURABLECTL_CI": mode})
    assert (code, len(commands(err))) == (124, count)
    assert "hint: durablectl list --hub" in err
    assert " --status ContinuedAsNew,Pending,Running,Suspended\n" in err


@pytest.mark.parametrize("how", ["flag", "variable"])
def test_it_can_be_switched_off(remote, hub, project, how):
    env = {
        **GITHUB,
        "GITHUB_STEP_SUMMARY": str(project / "summary.md"),
        **({"DURABLECTL_CI": "off"} if how == "variable" else {}),
    }
    code, _, err = remote("wait", "bad", *(["--ci", "off"] if how == "flag" else []), env=env)
    assert (code, commands(err), (project / "summary.md").exists()) == (10, [], False)


def test_a_step_summary_is_added_to_what_is_there(remote, hub, project):
    file = project / "summary.md"
    file.write_text("before\n")
    remote("wait", "good", "bad", env={**GITHUB, "GITHUB_STEP_SUMMARY": str(file)})
    lines = file.read_text().splitlines()
    assert lines[:2] == ["before", "### durablectl: 2 instances, 1 Completed, 1 Failed"]
    assert lines[5:7] == [
        "| bad | order | Failed | 1.0 s |",
        "| good | order | Completed | 1.0 s |",
    ]


def test_azure_gets_its_summary_as_a_file(remote, hub, tmp_path):
    folder = tmp_path / "agent"
    folder.mkdir()
    err = remote("wait", "good", env={**AZURE, "AGENT_TEMPDIRECTORY": str(folder)}).err
    (file,) = folder.iterdir()
    assert commands(err) == [f"##vso[task.uploadsummary]{file}"]
    assert "| good | order | Completed |" in file.read_text()


@pytest.mark.parametrize(
    ("flags", "told"), [([], False), (["--ci", "full"], True)], ids=["auto", "full"]
)
def test_inputs_never_and_outputs_only_when_asked_for_are_in_a_report(
    remote, hub, project, flags, told
):
    summary, junit = project / "summary.md", project / "report.xml"
    args = ["wait", "good", "bad", "slow", "--timeout", "0", "--junit", junit, *flags]
    err = remote(*args, env={**GITHUB, "GITHUB_STEP_SUMMARY": str(summary)}).err
    reports = [
        summary.read_text().replace("&#45;", "-"),
        junit.read_text(),
        "\n".join(commands(err)),
    ]
    # a JUnit report is asked for by name
    assert ["s3cret-cause" in text for text in reports] == [told, True, told]
    assert not [text for text in reports if "s3cret-input" in text or "s3cret-status" in text]


@pytest.mark.parametrize(
    ("until", "code", "tags"),
    [("runtimeStatus=='Running'", 0, []), ("customStatus=='there'", 9, ["failure"])],
    ids=["came true", "did not"],
)
def test_a_condition_decides_what_is_a_failure(remote, hub, project, until, code, tags):
    name = "slow" if code == 0 else "good"
    assert remote("wait", name, "--until", until, "--junit", "report.xml").code == code
    assert [
        child.tag for case in ET.parse(project / "report.xml").iter("testcase") for child in case
    ] == tags


@pytest.mark.parametrize("command", ["run", "start --wait"])
def test_a_started_instance_can_be_reported_as_well(app, run, project, command):
    name, *flags = command.split()
    code = run(
        name,
        "failing",
        *flags,
        "--timeout",
        "30s",
        "--instance-id",
        "f-1",
        "--junit",
        "report.xml",
        env={"CI": ""},
    ).code
    (case,) = ET.parse(project / "report.xml").iter("testcase")
    assert (code, case.get("name"), case.get("classname"), case[0].tag) == (
        10,
        "f-1",
        "failing",
        "failure",
    )


def test_standard_output_stays_the_service_s_json(remote, hub):
    out = remote("wait", "bad", "-o", "json", env=GITHUB).out
    assert json.loads(out)["runtimeStatus"] == "Failed"


@pytest.mark.parametrize(
    ("arguments", "env", "message"),
    [
        (["--junit", "nowhere/report.xml"], {}, "there is no folder"),
        (["--junit", "."], {}, "--junit requires a file"),
        (["--junit", ""], {}, "--junit requires a file"),
        (["--ci", "some"], {}, "'some' is not one of"),
        ([], {"DURABLECTL_CI": "some"}, "DURABLECTL_CI: 'some' is not one of auto, full, off"),
    ],
)
def test_reports_that_cannot_be_are_refused_before_the_wait(remote, hub, arguments, env, message):
    code, _, err = remote("wait", "good", *arguments, env=env)
    assert (code, message in err, hub.asked) == (2, True, [])


@pytest.mark.parametrize("option", [["--junit", "report.xml"], ["--ci", "off"]])
def test_a_start_that_does_not_wait_has_nothing_to_report(remote, server, option):
    code, _, err = remote("start", "order", *option)
    assert (code, "add --wait" in err, server.paths("POST")) == (2, True, [])


def test_a_summary_that_cannot_be_written_changes_nothing(remote, hub, project):
    code, _, err = remote("wait", "good", env={**GITHUB, "GITHUB_STEP_SUMMARY": str(project)})
    assert code == 0
    assert "warning: the summary for GitHub Actions could not be written" in err


def test_hostile_names_run_no_command(remote, server):
    name = "x\n::add-mask::y\n##vso[task.setvariable variable=a]b"
    server.on("GET", "/instances/bad", (200, status("bad", "Failed", name=name, output=name)))
    for env in (GITHUB, AZURE):
        lines = commands(remote("wait", "bad", "--ci", "full", env=env).err)
        assert len(lines) == 1
        assert lines[0].startswith(("::error title=", "##vso[task.logissue type=error]"))


def test_no_report_shows_a_key(remote, server, project):
    text = "GET https://h/x?code=S3CRET failed"
    server.on("GET", "/instances/bad", (200, status("bad", "Failed", name=text, output=text)))
    summary, junit = project / "summary.md", project / "report.xml"
    for env in (GITHUB, AZURE):
        settings = {**env, "GITHUB_STEP_SUMMARY": str(summary), "AGENT_TEMPDIRECTORY": str(project)}
        err = remote("wait", "bad", "--ci", "full", "--junit", junit, env=settings).err
        reports = [err, junit.read_text(), *(file.read_text() for file in project.glob("*.md"))]
        assert not [report for report in reports if "S3CRET" in report.replace("&#45;", "-")]
