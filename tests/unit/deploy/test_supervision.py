"""The supervisor's configuration."""

import configparser
import shlex

import pytest

from deploy.local import supervisor
from deploy.local.layout import Layout
from deploy.local.programs import Program


@pytest.fixture
def layout(tmp_path) -> Layout:
    return Layout(name="dev", port_base=20000, root=tmp_path)


def parsed(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return parser


def test_a_command_survives_the_way_through_the_configuration_file(layout, monkeypatch):
    command = ["/bin/echo", "a b", "relay@%h", "it's", "-cp", "lib/*"]
    monkeypatch.setattr(supervisor, "all_programs", lambda layout: [Program("relay", command)])

    section = parsed(supervisor.configuration(layout))["program:relay"]

    assert shlex.split(section["command"])[-len(command) :] == command


def test_nothing_starts_by_itself_and_everything_is_restarted_and_dies_with_the_supervisor(layout, monkeypatch):
    programs = [Program("one", ["/bin/true"]), Program("two", ["/bin/true"], stop_signal="INT")]
    monkeypatch.setattr(supervisor, "all_programs", lambda layout: programs)

    configuration = parsed(supervisor.configuration(layout))

    for name, stop_signal in (("one", "TERM"), ("two", "INT")):
        section = configuration[f"program:{name}"]
        assert (section["autostart"], section["autorestart"], section["stopsignal"]) == ("false", "true", stop_signal)
        assert shlex.split(section["command"])[:3] == ["/usr/bin/setpriv", "--pdeathsig", stop_signal]


def test_the_supervisor_listens_on_the_loopback_only_and_asks_for_a_password(layout, monkeypatch):
    monkeypatch.setattr(supervisor, "all_programs", lambda layout: [])

    server = parsed(supervisor.configuration(layout))["inet_http_server"]

    assert server["port"] == "127.0.0.1:20099"
    assert len(server["password"]) >= 32
