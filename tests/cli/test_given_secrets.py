"""A secret that was given where a name belongs: it is refused, not sent, not kept, and not
repeated.
"""

import pytest
from scripted_server import scripted_server

from durablectl import connect
from durablectl.config import Context, write_user_file
from durablectl.errors import UsageError

STRING = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=S3CRET=="
KEYS = [
    "S3CRETs3crets3crets3crets3cret==",
    "s3CRETs3crets3crets3crets3cret7",
    "s3CRET-s3cret",
    "S3CRET0123456789ABCDEF0123456789",
]
URL = "https://orders.example"


@pytest.fixture
def server():
    with scripted_server() as server:
        yield server


@pytest.fixture
def app(project):
    """An app that `serve` can load."""
    hello = (
        "@app.orchestration_trigger(context_name='context')\ndef hello(context):\n    return 1\n"
    )
    (project / "function_app.py").write_text(
        f"from durablectl import df\napp = df.DFApp()\n{hello}"
    )


@pytest.mark.parametrize("name", ["connection", "task-hub"])
@pytest.mark.parametrize("how", ["flag", "variable", "context", "project", "library", "payload"])
def test_a_connection_string_is_refused_before_anything_is_sent(
    run, server, project, user_file, name, how
):
    member = name.replace("-", "_")
    match how:
        case "flag":
            answer = run("list", "--hub", server.url, f"--{name}", STRING)
        case "variable":
            answer = run("list", "--hub", server.url, env={f"DURABLECTL_{member.upper()}": STRING})
        case "context":
            write_user_file(
                user_file,
                current="a",
                contexts={"a": Context("a", url=server.url, **{member: STRING})},
            )
            answer = run("list")
        case "project":
            (project / "durablectl.toml").write_text(f'url = "{server.url}"\n{name} = "{STRING}"\n')
            answer = run("list")
        case "library":
            with pytest.raises(UsageError, match="must be the name") as refused:
                connect(server.url, **{member: STRING})
            answer = 2, "", f"{refused.value} {refused.value.hint}, not a connection string"
        case "payload":
            parameter = {"connection": "connection", "task-hub": "taskHub"}[name]
            uri = f"{server.url}/runtime/webhooks/durabletask/instances/a?{parameter}={STRING.replace(';', '%3B').replace('=', '%3D')}"
            answer = run("status", "-", stdin=f'{{"id": "a", "statusQueryGetUri": "{uri}"}}')
    code, out, err = answer
    assert (code, out, "not a connection string" in err, "S3CRET" in err, server.asked) == (
        2,
        "",
        True,
        False,
        [],
    )


@pytest.mark.parametrize("name", ["AzureWebJobsStorage", "Storage", "My.Nested:Conn_2", "a-b"])
def test_the_name_of_a_connection_is_sent(run, server, name):
    assert run("list", "--hub", server.url, "--connection", name).code == 0
    assert f"connection={name.replace(':', '%3A')}" in server.asked[0].query


@pytest.mark.parametrize("key", KEYS, ids=["signs", "mixed", "dash", "digits"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--hub", URL, "--key-env"],
        ["doctor", "--hub", URL, "--key-env"],
        ["context", "add", "a", "--url", URL, "--key-env"],
        ["serve", "--port", "0", "--key-env"],
        ["start", f"{URL}/api/Hello", "--function-key-env"],
    ],
    ids=["list", "doctor", "context add", "serve", "start URL"],
)
def test_a_key_where_its_variable_belongs_is_not_repeated(run, app, user_file, arguments, key):
    code, out, err = run(*arguments, key)
    assert (code in (2, 4), "S3CRET" in (out + err).upper(), user_file.exists()) == (
        True,
        False,
        False,
    )


@pytest.mark.parametrize("option", ["--key-file", "--key-command", "--header"])
@pytest.mark.parametrize("key", KEYS[:2], ids=["signs", "mixed"])
def test_a_key_where_its_place_belongs_is_not_kept(run, user_file, option, key):
    code, _, err = run("context", "add", "a", "--url", URL, option, key)
    assert (code, "s3cret" in err, user_file.exists()) == (2, False, False)


def test_a_key_where_its_file_belongs_is_not_repeated(run, app):
    code, _, err = run("serve", "--port", "0", "--key-file", KEYS[0])
    assert (code, "this looks like a key" in err, "s3cret" in err) == (2, True, False)


def test_a_key_that_a_file_of_contexts_has_as_a_variable_is_not_repeated(run, user_file):
    for key, message in (
        (KEYS[0], "must be the name of an environment variable"),
        (KEYS[1], "the variable that context a names is not set"),
    ):
        write_user_file(user_file, current="a", contexts={"a": Context("a", url=URL, key_env=key)})
        err = run("list").err
        assert (message in err, "s3cret" in err) == (True, False)


@pytest.mark.parametrize("name", ["ORDERS_KEY", "orders_key_of_west_europe_2", "_K"])
def test_a_variable_that_is_not_set_is_named(run, name):
    env = {name: "k"} if len(name) > 20 else {}
    code, _, err = run(
        "list", "--hub", "http://127.0.0.1:1", "--key-env", name, "--request-timeout", "1s", env=env
    )
    assert (code, f"export {name}=…" in err) == ((5, False) if env else (4, True))


@pytest.mark.parametrize(
    "address",
    ["https://ada:S3CRET@h", "https://S3CRET@h", "https://h/?code=S3CRET", "https://h#code=S3CRET"],
)
@pytest.mark.parametrize(
    "command",
    [["list", "--hub"], ["context", "add", "a", "--url"], ["start"]],
    ids=["--hub", "context add", "start"],
)
def test_an_address_with_a_key_or_a_user_is_refused_and_not_repeated(run, command, address):
    code, _, err = run(*command, address)
    assert (code, "S3CRET" in err) == (2, False)
