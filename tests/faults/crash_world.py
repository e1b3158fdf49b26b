"""A small world for a process to be killed in: its own provider, no other worker, and whoever goes on afterwards."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.failpoints import KILLED_EXIT_CODE
from core.orders.models import Order
from core.orders.selectors import books
from core.payments.domain.operation_state import OperationKind
from tests import crash_run
from tests.crash_run import GATEWAY
from tests.fakes.provider_process import ProviderProcess
from tests.storefront import payments_of
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class World:
    """A provider process of its own, and no worker but those the test runs."""

    provider: ProviderProcess

    def crash(self, point: str, action: str, **arguments: Any) -> None:
        """Run the work in a process that must die at the failpoint."""
        environment = {
            **os.environ,
            "FAILPOINT": point,
            "ALLOW_FAILPOINTS": "true",
            "CRASH_PROVIDER_URL": self.provider.url,
        }
        command = [sys.executable, "-m", "tests.crash_run", action, json.dumps(arguments)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == KILLED_EXIT_CODE, f"{point} was not reached: {done.stdout}{done.stderr}"

    def recover(self, order_id: str, *, payment_status: str = "paid") -> None:
        """Work as the gateway and the janitor do, in this process, until the order is there."""

        def probe() -> bool:
            crash_run.work()
            return payment_status == self._status(order_id)

        eventually(probe, what=f"order {order_id} is {payment_status}")

    def moved(self, order_id: str) -> dict[str, list[int]]:
        """Everything the provider moved for the order's only payment, by kind."""
        (payment,) = payments_of(order_id)
        found = {str(kind): self.provider.moved_minor(payment.id, kind) for kind in OperationKind}
        return {kind: amounts for kind, amounts in found.items() if amounts}

    def assert_books_agree(self) -> None:
        assert books.breaks(self.provider.records(), gateway=GATEWAY) == []

    def _status(self, order_id: str) -> str:
        return Order.objects.get(pk=order_id).payment_status
