"""Files of the system that set-up changes for the time of an install."""

import pytest

from deploy.local import debian
from deploy.local.layout import StackError


def test_a_file_that_was_there_comes_back_with_its_mode(tmp_path):
    path = tmp_path / "policy-rc.d"
    path.write_text("before")
    path.chmod(0o700)

    with debian.replaced(path, "during", mode=0o755):
        assert path.read_text() == "during"

    assert path.read_text() == "before"
    assert path.stat().st_mode & 0o777 == 0o700


def test_a_file_that_was_not_there_goes_even_after_a_failure(tmp_path):
    path = tmp_path / "made" / "createcluster.conf"

    with pytest.raises(RuntimeError), debian.replaced(path, "during", mode=0o644):
        raise RuntimeError

    assert not path.exists()


def test_a_file_that_a_package_brought_meanwhile_stays(tmp_path):
    path = tmp_path / "createcluster.conf"

    with debian.replaced(path, "during", mode=0o644):
        path.write_text("the package's")

    assert path.read_text() == "the package's"


def test_without_root_the_exact_commands_are_told_and_nothing_is_run(monkeypatch):
    monkeypatch.setattr(debian.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(debian.shutil, "which", lambda name: f"/usr/bin/{name}")

    with pytest.raises(StackError) as refusal:
        debian.install(["redis-server"])

    assert "sudo apt-get install -y --no-install-recommends redis-server" in str(refusal.value)
    assert "create_main_cluster = false" in str(refusal.value)
