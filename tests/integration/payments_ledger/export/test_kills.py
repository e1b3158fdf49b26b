"""What a killed export leaves: whole days to go on from, and no process of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from payments_ledger.analytics.folder import day_file, exported_days
from payments_ledger.analytics.stamps import stamp_of
from tests.factories.ledger_events import day_of, history_of_payment, insert_history, own_noon, record
from tests.integration.payments_ledger.export.exports import outcomes
from tests.waiting import eventually

PROJECT = Path(__file__).resolve().parents[4]

KILLED_AT_THE_SECOND_DAY = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from payments_ledger.analytics import folder

publish, published = folder.publish, []

def publish_once(unfinished, target):
    if published:
        os.kill(os.getpid(), signal.SIGKILL)
    published.append(target)
    publish(unfinished, target)

folder.publish = publish_once
call_command("ledger", *sys.argv[1:])
"""


def test_killed_export_leaves_whole_days_and_the_next_one_goes_on(tmp_path):
    made = [body for _ in range(4) for body in history_of_payment(events=3, booked_at=own_noon())]
    insert_history(made)
    record(made)
    days = sorted({day_of(body) for body in made})
    arguments = ["export", "--unsealed", "--folder", str(tmp_path), "--from", str(days[0]), "--to", str(days[-1])]

    killed = in_a_process("-c", KILLED_AT_THE_SECOND_DAY, *arguments, "--processes", "1")

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert exported_days(tmp_path) == days[:1]
    assert stamp_of(day_file(tmp_path, days[0])).event_count == 3
    assert len(list(tmp_path.glob(".unfinished/*"))) == 1

    done = in_a_process("manage.py", "ledger", *arguments, "--processes", "2", "--json")

    assert done.returncode == 0, done.stderr
    assert outcomes(json.loads(done.stdout)) == ["current", "written", "written", "written"]
    assert [stamp_of(day_file(tmp_path, day)).event_count for day in days] == [3] * 4
    assert list(tmp_path.glob(".unfinished/*")) == []


def in_a_process(*arguments):
    environment = {**os.environ, "LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "core.settings"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120
    )


TWO_THAT_WAIT = """
import time
from payments_ledger.analytics.processes import processes_of_their_own

if __name__ == "__main__":
    with processes_of_their_own(2) as executor:
        waiting = [executor.submit(time.sleep, 600) for _ in range(2)]
        print(*executor._processes, flush=True)
"""


def test_processes_of_a_killed_parent_end(tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO_THAT_WAIT)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "core.settings", "PYTHONPATH": str(PROJECT)}

    with subprocess.Popen([sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True) as parent:
        children = [int(word) for word in parent.stdout.readline().split()]
        alive = [child for child in children if Path(f"/proc/{child}").exists()]
        parent.kill()

    assert (len(children), alive) == (2, children)
    eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in children), what="both are gone")
