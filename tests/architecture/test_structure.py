"""What the design forbids, held by the machine."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["core", "outbox", "payments_ledger", "workers", "simulators", "deploy", "benchmarks"]


def lint_imports(cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_the_import_contracts_hold():
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("outbox/relay_rules.py", "from core import money"),
        ("core/payments/services/late.py", "from core.orders import models"),
        ("core/orders/domain/rules.py", "from django.db import models"),
        ("core/orders/services/tasks.py", "import celery"),
        ("workers/ledger_reads.py", "from cassandra.cluster import Cluster"),
        ("core/orders/selectors/wrong.py", "from core.orders.services import checkout"),
        ("payments_ledger/stand_in.py", "import simulators.provider"),
        ("workers/measured.py", "import benchmarks.checkout"),
    ],
)
def test_each_kind_of_forbidden_import_is_seen(tmp_path, module, line):
    for package in PACKAGES:
        (tmp_path / package).symlink_to(ROOT / package)
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    _copy_for_writing(tmp_path, module).write_text(f"{line}\n")

    result = lint_imports(tmp_path)

    assert result.returncode == 1, result.stdout
    assert "BROKEN" in result.stdout


def _copy_for_writing(root: Path, module: str) -> Path:
    """Make the module's folders real folders of links, so that a file can be added without touching the project."""
    folder = root
    for part in Path(module).parent.parts:
        source = ROOT / folder.relative_to(root) / part
        folder = folder / part
        if folder.is_symlink():
            folder.unlink()
            folder.mkdir()
            for entry in source.iterdir():
                (folder / entry.name).symlink_to(entry)
    return root / module


def test_one_distribution_owns_the_cassandra_package():
    owners = importlib.metadata.packages_distributions()["cassandra"]

    assert owners == ["cassandra-driver"]


def test_the_folder_of_cql_files_holds_no_python():
    assert list((ROOT / "cassandra").rglob("*.cql"))
    assert not list((ROOT / "cassandra").rglob("*.py"))


def test_lock_files_carry_hashes_and_no_addresses():
    for name, hashes_min in (
        ("requirements.lock", 100),
        ("requirements-dev.lock", 100),
        ("requirements-analytics.lock", 2),
    ):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert text.count("--hash=sha256:") > hashes_min


def test_importing_everything_makes_no_client_and_no_thread():
    program = (
        "import threading, django; django.setup(); import workers.celery, core.wsgi, payments_ledger.sink; "
        "from payments_ledger import session; "
        "assert session._door.session is None, 'a Cassandra session was made at import'; "
        "print([t.name for t in threading.enumerate()])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "core.settings"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout.strip().splitlines()[-1] == "['MainThread']"
