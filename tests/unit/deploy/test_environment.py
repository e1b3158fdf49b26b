"""The env file of a stack and the environment its processes get."""

import json
import stat

import pytest

from deploy.local.environment import child_environment, ensure_secrets, read_env, write_env
from deploy.local.layout import PORT_OFFSETS, Layout, StackError, layout_of


@pytest.fixture
def layout(tmp_path) -> Layout:
    return Layout(name="dev", port_base=20000, root=tmp_path)


def test_a_person_s_value_is_kept_and_a_derived_one_is_rewritten(layout):
    write_env(layout)
    edited = layout.env_file.read_text().replace("LOG_LEVEL=INFO", "LOG_LEVEL=DEBUG") + "PORT_BASE=1\nMINE=x=y\n"
    layout.env_file.write_text(edited)

    write_env(layout)

    values = read_env(layout.env_file)
    assert (values["LOG_LEVEL"], values["PORT_BASE"], values["MINE"]) == ("DEBUG", "20000", "x=y")


def test_overrides_win_over_what_stood_in_the_file(layout):
    write_env(layout, {"POSTGRES_DB": "countinghouse_r1"})

    write_env(layout, {"POSTGRES_DB": "countinghouse_r2"})

    assert read_env(layout.env_file)["POSTGRES_DB"] == "countinghouse_r2"


def test_secrets_are_made_once_and_only_their_owner_reads_them(layout):
    first = ensure_secrets(layout)
    write_env(layout)

    assert ensure_secrets(layout) == first
    assert json.loads(layout.secrets_file.read_text()) == first
    assert len(set(first.values())) == len(first)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (layout.secrets_file, layout.env_file)}
    assert modes == {0o600}


def test_a_child_gets_neither_the_caller_s_settings_nor_a_ban_on_bytecode(layout, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("POSTGRES_DB", "another")
    monkeypatch.setenv("PGHOST", "elsewhere")
    monkeypatch.setenv("JAVA_HOME", "/opt/java")

    environment = child_environment(layout)

    assert environment["ENV_FILE"] == str(layout.env_file)
    assert environment["JAVA_HOME"] == "/opt/java"
    assert not {"PYTHONDONTWRITEBYTECODE", "POSTGRES_DB", "PGHOST"} & set(environment)


def test_one_variable_moves_both_stacks_and_they_share_no_port(monkeypatch):
    monkeypatch.setenv("PORT_BASE", "20000")

    dev, test = layout_of("dev"), layout_of("test")

    assert (dev.port("web"), test.port("web")) == (20000, 30000)
    assert not {dev.port(role) for role in PORT_OFFSETS} & {test.port(role) for role in PORT_OFFSETS}


@pytest.mark.parametrize("value", ["eighty", "80", "65500"])
def test_an_impossible_port_base_is_refused_by_name(monkeypatch, value):
    monkeypatch.setenv("PORT_BASE", value)

    with pytest.raises(StackError, match="PORT_BASE"):
        layout_of("dev")


@pytest.mark.parametrize(("base", "stack"), [("36000", "dev"), ("32700", "dev"), ("25000", "test")])
def test_ports_that_the_kernel_gives_to_clients_are_refused_with_the_highest_base(monkeypatch, tmp_path, base, stack):
    client_ports = tmp_path / "ip_local_port_range"
    client_ports.write_text("32768\t60999\n")
    monkeypatch.setattr("deploy.local.layout.CLIENT_PORT_RANGE", client_ports)
    monkeypatch.setenv("PORT_BASE", base)

    with pytest.raises(StackError, match="choose at most 22668"):
        layout_of(stack)

    monkeypatch.setenv("PORT_BASE", "22668")
    assert layout_of("test").port("supervisor") == 32767


def test_where_every_port_may_be_a_clients_the_usual_base_stays(monkeypatch, tmp_path):
    client_ports = tmp_path / "ip_local_port_range"
    client_ports.write_text("1024\t65535\n")
    monkeypatch.setattr("deploy.local.layout.CLIENT_PORT_RANGE", client_ports)
    monkeypatch.setenv("PORT_BASE", "18000")

    assert layout_of("test").port_base == 28000


def test_a_port_base_once_given_is_kept(monkeypatch, tmp_path):
    monkeypatch.setattr("deploy.local.layout.PROJECT_ROOT", tmp_path)
    monkeypatch.delenv("PORT_BASE", raising=False)
    assert layout_of("dev").port_base == 18000

    write_env(Layout(name="dev", port_base=20000, root=tmp_path))

    assert (layout_of("dev").port_base, layout_of("test").port_base) == (20000, 30000)
