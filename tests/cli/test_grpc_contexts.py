"""Contexts of hubs over gRPC: connection strings, tokens, and what `doctor` finds."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator

import pytest
from grpc_server import durable_task_server, needs_durabletask

from durablectl.config.connection_strings import (
    AUTHENTICATIONS,
    ConnectionString,
    parse_connection_string,
)
from durablectl.config.tokens import CachedToken, Fetched, TokenSource, read_token
from durablectl.errors import KeyRefused, UsageError

SCHEDULER = "Endpoint=https://s.example.durabletask.io;Authentication=DefaultAzure;TaskHub=orders"
CLAIMS = base64.urlsafe_b64encode(b'{"exp": 1700000000}').decode().rstrip("=")
JWT = f"e30.{CLAIMS}.c2ln"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with durable_task_server() as address:
        yield address


def emulator(server: str) -> str:
    return f"Endpoint={server.replace('grpc:', 'http:')};Authentication=None;TaskHub=default"


def printing(text: str) -> str:
    """A command that prints a text."""
    return f'"{sys.executable}" -c "print({text!r})"'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SCHEDULER, ("grpcs://s.example.durabletask.io", "DefaultAzure", "orders")),
        (
            "endpoint=HTTP://localhost:8080/;authentication=none",
            ("grpc://localhost:8080", "None", ""),
        ),
        ("Endpoint=s.io;Authentication=azurecli;", ("grpcs://s.io", "AzureCLI", "")),
    ],
)
def test_a_connection_string_is_read_without_regard_to_case(text, said):
    read = parse_connection_string(text, "it")
    assert (read.url, read.authentication, read.task_hub) == said


MEMBERS = {
    "Endpoint": "https://s.io",
    "Authentication": "WorkloadIdentity",
    "TaskHub": "orders",
    "ClientID": "c",
    "TenantId": "t.example",
    "TokenFilePath": "/token",
    "AdditionallyAllowedTenants": "t1,,t2",
}


@pytest.mark.parametrize("spell", [str, str.lower, str.upper, lambda name: f" {name} "])
def test_every_member_of_a_connection_string_may_be_spelled_in_any_case(spell):
    text = ";".join(f"{spell(name)}={value}" for name, value in MEMBERS.items())
    assert parse_connection_string(text, "it") == ConnectionString(
        "grpcs://s.io", "WorkloadIdentity", "orders", "c", "t.example", "/token", ("t1", "t2")
    )


@pytest.mark.parametrize("name", AUTHENTICATIONS)
def test_every_authentication_may_be_spelled_in_any_case(name):
    for text in (name, name.lower(), name.upper()):
        read = parse_connection_string(f"Endpoint=https://s.io;Authentication={text}", "it")
        assert read.authentication == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no Endpoint"),
        (";;", "has no Endpoint"),
        ("Endpoint=;Authentication=None", "has no Endpoint"),
        ("Endpoint=https://s.io", "has no Authentication"),
        ("Endpoint=https://s.io;Authentication=", "has no Authentication"),
        ("Endpoint=https://s.io;S3CRET", "not one of the Durable Task"),
        ("Endpoint=https://s.io:S3CRET;Authentication=None", "not an http, https"),
        ("Endpoint=https://S3CRET s.io;Authentication=None", "not an http, https"),
        ("Endpoint=https://S3CRET@s.io;Authentication=None", "more than an address"),
        ("Endpoint=https://s.io?S3CRET;Authentication=None", "more than an address"),
        ("Endpoint=https://;Authentication=None", "not an http, https"),
        ("Endpoint=https://s.io;Authentication=S3CRET", "Authentication of it is unknown"),
        ("Endpoint=ftp://S3CRET;Authentication=None", "not an https or http address"),
        ("Endpoint=https://s.io/S3CRET;Authentication=None", "more than host and port"),
        ("DefaultEndpointsProtocol=https;AccountKey=S3CRET", "not one of the Durable Task"),
        ("Endpoint=https://s.io;Endpoint=https://S3CRET", "Endpoint twice"),
        ("Endpoint=https://s.io;Authentication=None;TenantId=S3CRET x", "TenantId of it"),
    ],
)
def test_what_is_not_a_connection_string_is_refused_and_not_shown(text, reason):
    with pytest.raises(UsageError, match=reason) as caught:
        parse_connection_string(text, "it")
    assert "S3CRET" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "fetched"),
    [
        ("abc\n", Fetched("abc", None)),
        ('{"accessToken": "abc", "expires_on": 1700000000}', Fetched("abc", 1700000000.0)),
        (
            '{"token": "abc", "expiresOn": "2023-11-14T22:13:20+00:00"}',
            Fetched("abc", 1700000000.0),
        ),
        (JWT, Fetched(JWT, 1700000000.0)),
    ],
)
def test_a_token_is_read_as_az_and_azd_print_it(text, fetched):
    assert read_token(text, "it") == fetched


@pytest.mark.parametrize(
    "text", ["", "{}", "S3CRET S3CRET", "S3CRET\nS3CRET", '{"accessToken": 1}x']
)
def test_what_is_not_a_token_is_refused_and_not_shown(text):
    with pytest.raises(KeyRefused) as caught:
        read_token(text, "it")
    assert "S3CRET" not in f"{caught.value} {caught.value.hint}"


def test_a_token_is_asked_for_again_before_it_ends():
    now, asked = [0.0], []

    def fetch(_seconds: float) -> Fetched:
        asked.append(now[0])
        return Fetched(f"token-{len(asked)}", now[0] + 3600)

    token = CachedToken(TokenSource("it", fetch), lambda: now[0])
    for moment in (0.0, 3000.0, 3400.0):
        now[0] = moment
        token.current()
    assert asked == [0.0, 3400.0]


def test_a_token_is_used_to_its_end_when_no_other_can_be_had():
    now, answers = [0.0], [Fetched("first", 3600.0)]

    def fetch(_seconds: float) -> Fetched:
        if not answers:
            raise KeyRefused("away")
        return answers.pop()

    token = CachedToken(TokenSource("it", fetch), lambda: now[0])
    token.current()
    now[0] = 3500.0
    assert token.current() == "first"
    now[0] = 3600.0
    with pytest.raises(KeyRefused):
        token.current()


@needs_durabletask
def test_a_connection_string_is_an_address(run, server):
    assert run("context", "add", "dts", "--connection-string", emulator(server), "--use").code == 0
    assert run("run", "echo", "a=b", "--instance-id", "cs-1").code == 0
    shown = json.loads(run("context", "show", "-o", "json").out)
    assert (shown["url"], shown["taskHub"]) == (server, "default")


@needs_durabletask
def test_a_connection_string_comes_from_a_variable(run, server):
    run("context", "add", "dts", "--connection-string-env", "SCHEDULER", "--use")
    missing = run("list", "--count")
    assert (missing.code, "SCHEDULER" in missing.err) == (4, True)
    assert run("list", "--count", env={"SCHEDULER": emulator(server)}).code == 0


def test_a_context_that_cannot_be_read_does_not_hinder_the_others(run, project):
    run("context", "add", "dts", "--connection-string-env", "SCHEDULER")
    result = run("context", "list", env={"SCHEDULER": "S3CRET"})
    assert (result.code, "$SCHEDULER" in result.out, "S3CRET" in result.out) == (0, True, False)
    assert run("status", "a", "--hub", "x.db", env={"SCHEDULER": "S3CRET"}).code == 2


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--connection-string", SCHEDULER, "--url", "grpc://localhost:1"], "is an address"),
        (
            ["--connection-string", SCHEDULER, "--connection-string-env", "X"],
            "more than one address",
        ),
        (["--connection-string", "AccountKey=S3CRET"], "not one of the Durable Task"),
        (["--connection-string-env", "a b"], "name of an environment variable"),
        (["--connection-string", f"{SCHEDULER};task-hub=S3CRET"], "not one of the Durable Task"),
        (["--connection-string", SCHEDULER, "--task-hub", "S3CRET"], "is not that of its"),
        (
            ["--connection-string", "Endpoint=http://s.io;Authentication=None"],
            "without TLS to another",
        ),
        (["--url", SCHEDULER], "not an http, https"),
        (["--hub", SCHEDULER], "a connection string is not an address"),
        (["--url", "grpc://example.com:1"], "without TLS"),
        (["--url", "grpcs://example.com", "--key-env", "K"], "takes no key-env"),
        (["--url", "https://example.com", "--token-command", "x"], "is not a hub over gRPC"),
        (["--url", "https://example.com", "--insecure"], "is not a hub over gRPC"),
        (["--hub", "x.db", "--token-command", "x"], "is a local file"),
    ],
)
def test_a_context_that_makes_no_sense_is_refused(run, flags, reason):
    result = run("context", "add", "a", *flags)
    assert (result.code, reason in result.err, "S3CRET" in result.err) == (2, True, False)


@pytest.mark.parametrize("line", ['connection-string = "Endpoint=a"', 'token-command = "x"'])
def test_a_projects_file_names_neither_connection_string_nor_token(run, project, line):
    (project / "durablectl.toml").write_text(f"[contexts.a]\n{line}\n")
    result = run("list")
    assert (result.code, "is refused" in result.err) == (2, True)


@pytest.mark.parametrize("text", [f"{SCHEDULER}-S3CRET", "AccountName=a;AccountKey=S3CRET"])
def test_a_connection_string_is_not_an_address(run, project, text):
    found = [run("list", "--hub", text), run("list", env={"DURABLECTL_HUB": text})]
    for name in ("hub", "url"):
        (project / "durablectl.toml").write_text(f'{name} = "{text}"\n')
        found.append(run("list"))
    assert {each.code for each in found} == {2}
    assert all("connection string" in each.err and "S3CRET" not in each.err for each in found)


@needs_durabletask
def test_a_token_goes_to_its_own_address_and_into_no_message(run, server, project):
    asked = project / "asked"
    command = f'echo x >> "{asked}"; {printing("S3CRET-token")}'
    run("context", "add", "dts", "--url", server, "--token-command", command)
    for flags in (("--context", "dts"), ("--hub", server)):
        result = run("list", "--count", *flags, "--debug")
        assert (result.code, "S3CRET" in result.out + result.err) == (0, False)
    assert asked.read_text().split() == ["x", "x"]
    with durable_task_server(working=False) as other:
        assert run("list", "--count", "--hub", other).code == 0
    assert asked.read_text().split() == ["x", "x"]


@pytest.mark.parametrize("scheme", ["grpc", "GRPC"])
def test_a_token_is_not_sent_without_tls_to_another_machine(run, scheme):
    flags = ("--url", f"{scheme}://example.com:1", "--insecure", "--token-command", "x")
    assert run("context", "add", "a", *flags).code == 0
    result = run("list", "--context", "a")
    assert (result.code, "without TLS" in result.err) == (2, True)


def test_a_token_command_that_fails_says_so(run):
    run("context", "add", "a", "--url", "grpc://localhost:1", "--token-command", "exit 3")
    result = run("list", "--context", "a")
    assert (result.code, "the token-command of context a failed" in result.err) == (4, True)


def test_the_azure_cli_is_asked_for_the_services_own_addresses(run, project, monkeypatch):
    script = project / "az"
    script.write_text('#!/bin/sh\necho "$@" > asked\nexit 1\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{project}:/usr/bin:/bin")
    result = run("list", "--hub", "grpcs://s.example.durabletask.io", "--task-hub", "orders")
    assert (result.code, "az login" in result.err) == (4, True)
    assert "--resource https://durabletask.io" in (project / "asked").read_text()


def test_the_environments_credential_says_what_it_lacks(run, monkeypatch):
    pytest.importorskip("azure.identity", reason="azure-identity is not installed")
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    text = "Endpoint=https://localhost:1;Authentication=Environment"
    run("context", "add", "dts", "--connection-string", text)
    result = run("list", "--context", "dts")
    assert (result.code, "Environment of the connection string" in result.err) == (4, True)
