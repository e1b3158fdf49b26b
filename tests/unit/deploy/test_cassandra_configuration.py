"""Every configuration of Cassandra that we ship is durable, asks who it is, and can mask."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from deploy.local import cassandra
from deploy.local.environment import ensure_secrets, read_env, write_env
from deploy.local.layout import Layout
from deploy.local.programs import app_programs

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "deploy" / "container" / "cassandra.sh"

REQUIRED = {
    "commitlog_sync: batch",
    "class_name: PasswordAuthenticator",
    "class_name: CassandraAuthorizer",
    "dynamic_data_masking_enabled: true",
}
# As the image of Cassandra 5.0 has it.
OF_THE_IMAGE = """cluster_name: 'Test Cluster'
# - AllowAllAuthenticator performs no checks - set it to disable authentication.
authenticator:
  class_name: AllowAllAuthenticator
authorizer:
  class_name: AllowAllAuthorizer
network_authorizer:
  class_name: AllowAllNetworkAuthorizer
commitlog_sync: periodic
commitlog_sync_period: 10000ms
dynamic_data_masking_enabled: false
"""


def lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines()}


def edited(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run the container's script on this cassandra.yaml, with an entrypoint that does nothing."""
    (folder / "cassandra.yaml").write_text(text)
    entrypoint = folder / "docker-entrypoint.sh"
    entrypoint.write_text("#!/bin/sh\n")
    entrypoint.chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "CASSANDRA_CONF": str(folder)}
    return subprocess.run(["bash", SCRIPT], env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_the_local_stack_is_durable_and_closed(tmp_path):
    layout = Layout(name="dev", port_base=20000, root=tmp_path)

    cassandra.prepare(layout)

    text = (cassandra.folder_of(layout) / "conf" / "cassandra.yaml").read_text()
    assert lines(text) >= REQUIRED
    assert "commitlog_sync_period" not in text


def test_the_container_is_durable_and_closed(tmp_path):
    done = edited(tmp_path, OF_THE_IMAGE)

    text = (tmp_path / "cassandra.yaml").read_text()
    assert done.returncode == 0, done.stderr
    assert lines(text) >= REQUIRED
    assert "commitlog_sync_period" not in text
    assert "class_name: AllowAllNetworkAuthorizer" in lines(text)
    assert str(SCRIPT.relative_to(ROOT)) in (ROOT / "docker-compose.yml").read_text()


@pytest.mark.parametrize("gone", ["commitlog_sync: periodic", "  class_name: AllowAllAuthenticator"])
def test_a_container_whose_configuration_is_another_does_not_start(tmp_path, gone):
    assert edited(tmp_path, OF_THE_IMAGE.replace(f"{gone}\n", "")).returncode != 0


def ways_of_syncing(texts: Iterable[str]) -> set[str]:
    """Every value that a configuration among these texts gives to commitlog_sync, whatever its format."""
    return {value for text in texts for value in re.findall(r"^ *commitlog_sync: *[\"']?(\w+)", text, re.MULTILINE)}


def test_nothing_shipped_names_another_way_of_syncing():
    shipped = [ROOT / "docker-compose.yml", *(path for path in (ROOT / "deploy").rglob("*") if path.is_file())]
    texts = [path.read_text() for path in shipped if path.suffix != ".pyc"]

    assert ways_of_syncing(texts) == {"batch"}
    assert ways_of_syncing([*texts, OF_THE_IMAGE]) == {"batch", "periodic"}


def test_the_web_only_reads_and_nobody_gets_the_administrator_s_password(tmp_path):
    layout = Layout(name="dev", port_base=20000, root=tmp_path)
    secret = ensure_secrets(layout)["cassandra"]
    write_env(layout)

    [web] = [program for program in app_programs(layout) if program.name == "web"]

    assert web.environment == {"CASSANDRA_ROLE": "reader"}
    assert read_env(layout.env_file)["CASSANDRA_ROLE"] == "writer"
    assert secret not in layout.env_file.read_text()
