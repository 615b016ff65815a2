"""Which hub, which key, and who said so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from durablectl import config
from durablectl.config import Context, resolve
from durablectl.errors import KeyRefused, UsageError

URL = "https://orders.azurewebsites.net"


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return tmp_path / "contexts.toml"


@pytest.fixture
def settle(user: Path, project: Path):
    """Resolve what flags (and variables, in capitals) ask for."""

    def call(environ=None, cwd=project, **asked):
        given = {
            name.lower(): f"DURABLECTL_{name}"
            if name.isupper()
            else f"flag --{name.replace('_', '-')}"
            for name in asked
        }
        return resolve(
            {name.lower(): value for name, value in asked.items()},
            given,
            cwd=cwd,
            environ=environ or {},
            user_file=user,
        )

    return call


def two_contexts(user: Path, current: str | None = "prod") -> None:
    prod = Context("prod", url=URL, task_hub="OrdersHub", key_env="ORDERS_KEY")
    config.write_user_file(
        user, current=current, contexts={"prod": prod, "dev": Context("dev", hub="/dev/hub.db")}
    )


# The order


def test_nothing_named_and_nothing_found_is_no_hub(settle):
    settings = settle()
    assert (settings.url, settings.path, settings.named) == (None, None, False)


def test_the_projects_own_hub_is_beside_the_nearest_app(settle, project):
    (project / "function_app.py").touch()
    (project / "a" / "b").mkdir(parents=True)
    settings = settle(cwd=project / "a" / "b")
    assert settings.path == project / ".durablectl" / "hub.db"
    assert (settings.app, settings.named) == (project / "function_app.py", False)


def test_reading_the_settings_creates_nothing(settle, project):
    (project / "function_app.py").touch()
    settle()
    assert [entry.name for entry in project.iterdir()] == ["function_app.py"]


def test_an_app_that_is_named_has_its_hub_beside_it(settle, project):
    (project / "orders").mkdir()
    (project / "orders" / "function_app.py").touch()
    assert settle(app="orders").path == project / "orders" / ".durablectl" / "hub.db"
    assert (
        settle(app="orders/function_app.py").path == project / "orders" / ".durablectl" / "hub.db"
    )


def test_the_current_context_comes_before_the_projects_own_hub(settle, project, user):
    (project / "function_app.py").touch()
    two_contexts(user)
    settings = settle()
    assert (settings.url, settings.task_hub, settings.named, settings.explicit) == (
        URL,
        "OrdersHub",
        True,
        False,
    )


def test_durablectl_toml_comes_before_the_current_context(settle, project, user):
    two_contexts(user)
    (project / "durablectl.toml").write_text('context = "dev"\n')
    (project / "below").mkdir()
    settings = settle(cwd=project / "below")
    assert (settings.context, settings.path) == ("dev", Path("/dev/hub.db"))
    assert settings.hub_source == f"durablectl.toml ({project / 'durablectl.toml'})"


def test_a_variable_comes_before_durablectl_toml(settle, project, user):
    two_contexts(user)
    (project / "durablectl.toml").write_text('context = "prod"\n')
    settings = settle(CONTEXT="dev")
    assert (settings.context, settings.hub_source, settings.explicit) == (
        "dev",
        "DURABLECTL_CONTEXT",
        True,
    )


def test_a_flag_names_the_hub(settle, user):
    two_contexts(user)
    settings = settle(hub="http://localhost:7071", task_hub="Other")
    assert (settings.url, settings.task_hub, settings.context) == (
        "http://localhost:7071",
        "Other",
        None,
    )
    assert settings.sources == {"task_hub": "flag --task-hub", "hub": "flag --hub"}


def test_a_path_may_be_a_file_or_a_folder(settle, project):
    assert settle(hub="x.db").path == project / "x.db"
    assert settle(hub=".").path == project / ".durablectl" / "hub.db"


def test_a_flag_overrules_one_value_of_a_context(settle, user):
    two_contexts(user)
    settings = settle(connection="Other")
    assert (settings.connection, settings.task_hub) == ("Other", "OrdersHub")
    assert (settings.sources["connection"], settings.sources["task_hub"]) == (
        "flag --connection",
        "context prod",
    )


def test_an_unknown_context_is_told_the_near_one(settle, user):
    two_contexts(user)
    with pytest.raises(UsageError, match="no context 'prd'") as caught:
        settle(context="prd")
    assert "did you mean 'prod'" in (caught.value.hint or "")


def test_a_current_context_that_is_gone_names_the_file(settle, user):
    user.write_text('current = "gone"\n')
    with pytest.raises(
        UsageError,
        match=r"no context 'gone' \(current context "
        r"\(.*contexts.toml\)\)",
    ):
        settle()


@pytest.mark.parametrize(
    "address",
    [
        "https://u:p@host",
        "https://host?code=SECRET",
        "https://host/#x",
        "https://",
        "https://host:99999",
        "https://ho st",
    ],
    ids=str,
)
def test_an_address_that_is_none_or_holds_a_key_is_refused_without_repeating_it(settle, address):
    with pytest.raises(UsageError) as caught:
        settle(hub=address)
    assert "SECRET" not in f"{caught.value.message}{caught.value.hint}"


# durablectl.toml comes with a clone


@pytest.mark.parametrize(
    "name", ["key-env", "key-command", "key-file", "header", "header-command", "ca-file", "proxy"]
)
@pytest.mark.parametrize(
    "table", ["", "[contexts.shared]\nurl = 'https://x'\n"], ids=["top", "context"]
)
def test_a_projects_file_names_no_key_and_no_command(settle, project, name, table):
    file = project / "durablectl.toml"
    file.write_text(f"{table}\n{name} = 'x'\n")
    line = file.read_text().splitlines().index(f"{name} = 'x'") + 1
    with pytest.raises(UsageError, match=rf"'{name}' in .*durablectl.toml, line {line} is refused"):
        settle()


def test_a_projects_file_may_name_an_address_and_no_key_goes_there(settle, project, user):
    two_contexts(user)
    (project / "durablectl.toml").write_text(
        'hub = "https://elsewhere.example"\ntask-hub = "OrdersHub"\n'
    )
    settings = settle({"ORDERS_KEY": "k"})
    assert (settings.url, settings.task_hub, settings.key()) == (
        "https://elsewhere.example",
        "OrdersHub",
        None,
    )


def test_a_projects_file_may_name_the_hub_of_a_context_and_the_key_goes_there(
    settle, project, user
):
    two_contexts(user)
    (project / "durablectl.toml").write_text(f'hub = "{URL}"\ntask-hub = "ordershub"\n')
    assert settle({"ORDERS_KEY": "k"}).key() == "k"


def test_a_key_of_a_variable_is_not_sent_where_a_projects_file_says(settle, project):
    (project / "durablectl.toml").write_text('hub = "https://elsewhere.example"\n')
    with pytest.raises(UsageError, match=r"is not sent to a hub that durablectl\.toml"):
        settle({"MY_KEY": "k"}, KEY_ENV="MY_KEY")


def test_a_key_of_a_flag_is_meant(settle, project):
    (project / "durablectl.toml").write_text('hub = "https://elsewhere.example"\n')
    assert settle({"MY_KEY": "k"}, key_env="MY_KEY").key() == "k"


def test_a_path_in_a_projects_file_is_seen_from_its_folder(settle, project):
    (project / "durablectl.toml").write_text('hub = "data/hub.db"\napp = "src"\n')
    (project / "below").mkdir()
    settings = settle(cwd=project / "below")
    assert (settings.path, settings.app) == (project / "data" / "hub.db", project / "src")


def test_a_projects_file_may_define_a_context_of_its_own(settle, project):
    (project / "durablectl.toml").write_text(
        'context = "team"\n[contexts.team]\nurl = "https://team.example"\nread-only = true\n'
    )
    settings = settle()
    assert (settings.context, settings.url, settings.read_only) == (
        "team",
        "https://team.example",
        True,
    )


def test_a_projects_file_cannot_redefine_a_context_of_the_users(settle, project, user):
    two_contexts(user)
    (project / "durablectl.toml").write_text('\n[contexts.prod]\nurl = "https://evil.example"\n')
    with pytest.raises(
        UsageError,
        match=r"context 'prod' in .*durablectl.toml, line 2 is one of "
        r"your own",
    ):
        settle()


def test_a_projects_file_cannot_change_the_task_hub_of_a_context(settle, project, user):
    two_contexts(user)
    (project / "durablectl.toml").write_text('context = "prod"\ntask-hub = "Other"\n')
    with pytest.raises(UsageError, match=r"'task-hub' in .*, line 2 would redefine the context"):
        settle()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("context = ", "is not TOML"),
        ("contxt = 'x'", "unknown setting 'contxt' in .*, line 1"),
        ("context = 1", "'context' in .*, line 1 must be a text"),
        ("context = 'a'\nhub = 'b'", "names more than one hub"),
        ("hub = 'https://h?code=SECRET'", "'hub' in .*, line 1: the address of h holds more"),
        ("contexts = 3", "must hold tables"),
        ("[contexts.'a b']\nurl = 'https://x'", "'a b' is not a valid context name"),
        ("[contexts.a]\nurl = 'https://x'\nhub = 'y'", "needs either a url or a hub"),
        ("[contexts.a]", "needs either a url or a hub"),
        (
            "[contexts.a]\nurl = 'https://x'\nprotected = 'yes'",
            "'protected' in .*, line 3 must be true or false",
        ),
        ("encode = 'xml'", "'encode' in .*, line 1 must be json or string"),
        ("\udcff", "is not UTF-8"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_a_file_that_makes_no_sense_is_refused_with_its_place(settle, project, text, said):
    (project / "durablectl.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=said) as caught:
        settle()
    assert "SECRET" not in caught.value.message


# Keys stay home


@pytest.mark.parametrize(
    ("url", "task_hub", "key"),
    [
        (URL, "OrdersHub", "k"),
        (f"{URL}:443/runtime/webhooks/durabletask", "ordershub", "k"),
        ("https://ORDERS.azurewebsites.net", "OrdersHub", "k"),
        (URL, "OtherHub", None),
        (URL, None, None),
        ("http://orders.azurewebsites.net", "OrdersHub", None),
        (f"{URL}:8443", "OrdersHub", None),
        ("https://orders.azurewebsites.net.evil.example", "OrdersHub", None),
        ("https://evil.example/orders.azurewebsites.net", "OrdersHub", None),
    ],
    ids=str,
)
def test_a_key_goes_to_its_origin_and_task_hub_only(settle, user, url, task_hub, key):
    two_contexts(user)
    assert settle({"ORDERS_KEY": "k"}, context="dev").keys.key_for(url, task_hub) == key


def test_a_context_without_a_task_hub_stands_for_all_of_its_app(settle, user):
    config.write_user_file(user, current=None, contexts={"a": Context("a", url=URL, key_env="K")})
    keys = settle({"K": "k"}).keys
    assert [keys.key_for(URL, task_hub) for task_hub in (None, "Any")] == ["k", "k"]


def test_the_chosen_context_comes_before_another_of_the_same_address(settle, user):
    contexts = {name: Context(name, url=URL, key_env=name.upper()) for name in ("a", "b")}
    config.write_user_file(user, current=None, contexts=contexts)
    assert settle({"A": "1", "B": "2"}, context="b").key() == "2"


def test_a_task_hub_of_a_flag_gets_no_key_of_another(settle, user):
    two_contexts(user)
    assert settle({"ORDERS_KEY": "k"}, context="prod", task_hub="Other").key() is None


def test_a_missing_variable_is_named(settle, user):
    two_contexts(user)
    with pytest.raises(KeyRefused, match=r"the variable ORDERS_KEY \(context prod\) is not set"):
        settle().key()


def test_a_key_command_prints_the_key(settle, user):
    config.write_user_file(
        user, current="a", contexts={"a": Context("a", url=URL, key_command="printf 'k=='; echo")}
    )
    assert settle().key() == "k=="


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("exit 3", "failed with exit code 3"),
        ("true", "holds no key"),
        ("echo a; echo b", "not a key"),
    ],
)
def test_a_key_command_that_fails_says_so(settle, user, command, said):
    config.write_user_file(
        user, current="a", contexts={"a": Context("a", url=URL, key_command=command)}
    )
    with pytest.raises(KeyRefused, match=f"the key-command of context a .*{said}"):
        settle().key()


def test_a_key_file_is_read_when_it_is_the_users_alone(settle, user, tmp_path):
    secret = tmp_path / "key"
    secret.write_text("k==\n")
    config.write_user_file(
        user, current="a", contexts={"a": Context("a", url=URL, key_file=str(secret))}
    )
    secret.chmod(0o640)
    with pytest.raises(KeyRefused, match="can be read by others"):
        settle().key()
    secret.chmod(0o600)
    assert settle().key() == "k=="


def test_a_key_file_that_is_not_there_says_so(settle, user):
    config.write_user_file(
        user, current="a", contexts={"a": Context("a", url=URL, key_file="/nowhere/key")}
    )
    with pytest.raises(KeyRefused, match=r"cannot read the key file /nowhere/key .*no such file"):
        settle().key()


def test_headers_come_from_the_file_and_from_a_command(settle, user):
    context = Context("a", url=URL, header=("X-One: 1",), header_command="echo 'X-Two: 2: b'")
    config.write_user_file(user, current="a", contexts={"a": context})
    keys = settle().keys
    assert keys.headers_for(URL, None) == {"X-One": "1", "X-Two": "2: b"}
    assert keys.headers_for("https://elsewhere.example", None) == {}


def test_no_repr_holds_a_header_or_a_key(settle, user):
    two_contexts(user)
    settings = settle({"ORDERS_KEY": "SECRET"}, context="prod")
    context = Context(
        "a", url=URL, header=("Authorization: SECRET",), proxy="http://u:SECRET@proxy"
    )
    assert "SECRET" not in repr(settings) + repr(settings.keys) + repr(context) + repr(
        config.Credential.of_context(context)
    )


# The user's file


def test_the_users_file_is_for_the_users_eyes_only(user):
    two_contexts(user)
    assert user.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in user.parent.iterdir() if entry.name.startswith("contexts")] == [
        "contexts.toml"
    ]


def test_what_is_written_is_read_again(user):
    context = Context(
        "a",
        url=URL,
        header=('X: "1"\\',),
        key_command="az 'x' | tr -d '\"'",
        protected=True,
        encode="string",
        proxy="http://ü:1",
    )
    config.write_user_file(user, current="a", contexts={"a": context})
    assert config.read_user_file(user) == config.UserFile(user, "a", {"a": context})


def test_comments_of_the_user_stay(user):
    user.write_text('# mine\ncurrent = "a"\n\n[contexts.a] # the first\nurl = "https://a"\n')
    config.write_user_file(
        user,
        current="a",
        contexts=dict(config.read_user_file(user).contexts) | {"b": Context("b", hub="/b.db")},
    )
    assert user.read_text().startswith('# mine\ncurrent = "a"\n\n[contexts.a] # the first\n')


def test_a_link_to_a_folder_of_dotfiles_stays_a_link(user, tmp_path):
    (tmp_path / "dotfiles").mkdir()
    user.symlink_to(tmp_path / "dotfiles" / "contexts.toml")
    two_contexts(user)
    assert user.is_symlink()
    assert (tmp_path / "dotfiles" / "contexts.toml").is_file()


def test_a_file_that_cannot_be_read_says_so(user, settle):
    user.mkdir()
    with pytest.raises(UsageError, match=r"cannot read .*: is a directory"):
        settle()


def test_the_users_file_is_where_the_platform_says(home, user_file):
    assert config.default_user_file() == user_file


def test_a_home_that_is_none_is_as_good_as_an_empty_one(run):
    assert run(
        "context", "list", "-o", "json", env={"HOME": "/dev/null", "XDG_CONFIG_HOME": "/dev/null/x"}
    ) == (0, "[]\n", "")


def test_certificates_and_proxy_go_with_their_address(settle, user):
    context = Context("a", url=URL, ca_file="/ca.pem", proxy="http://proxy:1")
    config.write_user_file(user, current="a", contexts={"a": context})
    keys = settle().keys
    ours, other = (keys.route(url, None) for url in (URL, "https://x.example"))
    assert (ours["ca_file"], ours["proxy"]) == ("/ca.pem", "http://proxy:1")
    assert (other["ca_file"], other["proxy"]) == (
        None,
        None,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs is asked")
@pytest.mark.parametrize("home", ["/home/ada", "/", "/home/ada/", "relative", "", None])
@pytest.mark.parametrize("chosen", ["/etc/ada", "relative", "", None])
def test_the_users_folders_are_those_of_platformdirs(home, chosen):
    names = {"HOME": home, "XDG_CONFIG_HOME": chosen, "XDG_STATE_HOME": chosen}
    rest = {name: value for name, value in os.environ.items() if name not in names}
    source = (
        "import platformdirs\nfrom durablectl import config\n"
        "print(config.default_user_file() == platformdirs.user_config_path('durablectl', "
        "appauthor=False) / 'contexts.toml')\n"
        "print(config.state_folder() == platformdirs.user_state_path('durablectl', "
        "appauthor=False))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        check=True,
        env=rest | {name: value for name, value in names.items() if value is not None},
    )
    assert done.stdout == "True\nTrue\n"
