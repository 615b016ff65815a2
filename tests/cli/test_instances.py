"""How instances are named on the command line, in files and on standard input."""

import json

import pytest

from durablectl.cli.arguments.instance_ids import Named, named_instances
from durablectl.errors import UsageError
from durablectl.model import CheckStatusPayload

PAYLOAD = {
    "id": "a",
    "statusQueryGetUri": "http://localhost:7071/runtime/webhooks/durabletask/instances/a?code=***",
}


def ids(*names, from_files=(), stdin=b""):
    return [named.id for named in named_instances(names, from_files, read_stdin=lambda: stdin)]


@pytest.fixture
def file(tmp_path):
    def write(content: str) -> str:
        (tmp_path / "run.json").write_text(content)
        return str(tmp_path / "run.json")

    return write


def test_ids_are_taken_as_they_are_in_their_order_and_once():
    assert ids("b", "a:1", "b") == ["b", "a:1"]


@pytest.mark.parametrize(
    "content",
    [
        "a\nb\n",
        '["a", "b"]',
        '[{"id": "a"}, {"instanceId": "b"}]',
        '{"id": "a"}\n\n{"instanceId": "b", "name": "x"}\n',
        '"a"\n"b"\n',
        '{"Id": "a"}\n{"InstanceId": "b"}',
    ],
    ids=[
        "lines",
        "array of ids",
        "payload and status",
        "JSON lines",
        "lines of strings",
        "PascalCase",
    ],
)
def test_a_file_names_instances_in_every_form(file, content):
    assert ids("@" + file(content)) == ["a", "b"]
    assert ids(from_files=[file(content)]) == ["a", "b"]
    assert ids("-", stdin=content.encode()) == ["a", "b"]


def test_a_payload_comes_along_with_its_instance(file):
    assert named_instances(["@" + file(json.dumps(PAYLOAD))], read_stdin=bytes) == [
        Named("a", CheckStatusPayload("a", PAYLOAD))
    ]


@pytest.mark.parametrize(
    "content", [{"instanceId": "a"}, {"Id": "a"}, {"ID": "b", "instanceId": "a"}], ids=str
)
def test_a_payload_in_other_clothes_comes_along_too(file, content):
    (named,) = named_instances(
        ["@" + file(json.dumps({**content, "STATUSQUERYGETURI": PAYLOAD["statusQueryGetUri"]}))],
        read_stdin=bytes,
    )
    assert (named.id, named.payload.status_query_get_uri) == ("a", PAYLOAD["statusQueryGetUri"])


URL = "https://orders.example/runtime/webhooks/durabletask/instances/order+7%3A1?taskHub=T&connection=Storage&code=SECRET"


@pytest.mark.parametrize(
    "content",
    [URL, f"{URL}\n", f'"{URL}"', f'["{URL}"]', f'"{URL}"\n'],
    ids=["URL", "line", "JSON", "array", "JSON line"],
)
def test_a_status_url_names_its_instance_wherever_an_id_does(file, content):
    named = Named(
        "order 7:1", CheckStatusPayload("order 7:1", {"id": "order 7:1", "statusQueryGetUri": URL})
    )
    assert named_instances([URL], read_stdin=bytes) == [named]
    assert named_instances(["@" + file(content)], read_stdin=bytes) == [named]
    assert named_instances([], [file(content)], read_stdin=bytes) == [named]
    assert named_instances(["-"], read_stdin=lambda: content.encode()) == [named]


@pytest.mark.parametrize(
    "url",
    [
        "https://orders.example/?code=SECRET",
        "https://orders.example/api/orchestrators/Hello?code=SECRET",
        "https://orders.example/runtime/webhooks/durabletask/instances/?code=SECRET",
        "https://orders.example/runtime/webhooks/durabletask/instances/a/terminate?code=SECRET",
        "HTTPS://orders.example/instances/%ff?code=SECRET",
        "http://[/instances/a?code=SECRET",
    ],
)
def test_another_address_is_refused_and_not_repeated(file, url):
    for names in ([url], ["@" + file(url)]):
        with pytest.raises(UsageError, match="is not that of an instance's status") as caught:
            named_instances(names, read_stdin=bytes)
        assert "SECRET" not in f"{caught.value} {caught.value.hint}"


def test_one_id_by_addresses_of_two_hubs_comes_twice(file):
    other = URL.replace("orders", "others")
    assert [named.id for named in named_instances([URL, other, URL], read_stdin=bytes)] == [
        "order 7:1",
        "order 7:1",
    ]


def test_an_entity_is_no_file():
    assert ids("@counter@a") == ["@counter@a"]


def test_an_empty_file_names_nothing(file):
    assert ids("@" + file("\n")) == []
    assert ids("@" + file("[]")) == []


def test_a_file_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="no such file: gone"):
        ids("@gone")


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is a directory"):
        ids(f"@{tmp_path}")


def test_standard_input_is_read_only_once():
    with pytest.raises(UsageError, match="only once"):
        ids("-", from_files=["-"])


@pytest.mark.parametrize("name", ["@", ""])
def test_an_empty_name_is_refused(name):
    with pytest.raises(UsageError):
        ids(name)


@pytest.mark.parametrize("content", ['{"name": "x"}', "[1]", '[{"id": ""}]', "[[]]"])
def test_json_that_names_no_instance_is_refused(file, content):
    with pytest.raises(UsageError, match="names no instance"):
        ids("@" + file(content))


def test_a_broken_line_is_told_with_its_number(file):
    with pytest.raises(UsageError, match="line 2, is not JSON"):
        ids("@" + file('{"id": "a"}\n{"id": \n'))


def test_a_local_hub_that_no_server_answers_for_shows_no_address(run, project):
    code, out, _ = run("start", "hello", "--hub", project / "hub.db", "--instance-id", "h-1")
    assert (code, "http" in out, out.split()[:2]) == (0, False, ["id", "h-1"])


def test_verbose_shows_every_address(run, project):
    out = run("start", "hello", "--hub", project / "hub.db", "-v").out
    assert out.count("http://") == 7
