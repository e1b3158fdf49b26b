"""The real payment provider simulator as a child process of a test, on a port and a log of its own."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass
class ProviderProcess:
    """Started with `start`; `kill` is SIGKILL. The log outlives the process."""

    log: Path
    hold_seconds: float = 0.8
    slow_seconds: float = 0.1
    webhook_url: str = ""
    webhook_secret: str = ""
    process: subprocess.Popen[str] | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "ProviderProcess":
        command = [
            sys.executable, "-m", "simulators.payment_provider", "--port", str(self.port), "--log", str(self.log),
            "--hold-seconds", str(self.hold_seconds), "--slow-seconds", str(self.slow_seconds),
            "--webhook-url", self.webhook_url, "--webhook-secret", self.webhook_secret,
        ]  # fmt: skip
        self.process = subprocess.Popen(command, cwd=PROJECT_ROOT, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if found := re.search(r"serving on [\d.]+:(\d+)", line):
                self.port = int(found[1])
                return self
        raise AssertionError(f"the provider ended with {self.process.wait()}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        return self._reap()

    def _reap(self) -> int:
        assert self.process is not None
        assert self.process.stderr is not None
        code = self.process.wait(timeout=10)
        self.process.stderr.close()
        return code

    def records(self) -> list[dict[str, Any]]:
        """The whole log, as the provider itself tells it."""
        records: list[dict[str, Any]] = httpx.get(f"{self.url}/v1/log", params={"after": 0}).json()["records"]
        return records

    def moved_minor(self, payment_id: object, kind: str) -> list[int]:
        """What operations of this kind have moved for one payment, in their order; declined ones moved nothing."""
        return [
            record["moved_minor"]
            for record in self.records()
            if (record["type"], record["payment_id"], record.get("kind")) == ("operation", str(payment_id), kind)
            and record["moved_minor"]
        ]

    def control(self, path: str, **body: object) -> dict[str, Any]:
        """Make something happen at the provider: see the paths below /v1/control/."""
        answer = httpx.post(f"{self.url}/v1/control/{path}", json=body)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    def settle(self, payment_id: object, *, is_paid: bool) -> None:
        """End the payment's pending slip."""
        self.control("boleto", payment_id=str(payment_id), paid=is_paid)
