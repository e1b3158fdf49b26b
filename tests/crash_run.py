"""One piece of work in a process that may be killed at a failpoint: `python -m tests.crash_run ACTION JSON`.

post     a request through the whole web stack, without a server: {path, body, headers}; prints the status
work     operations at the provider, submitted and asked for, until none is due
deliver  webhooks to merchants that are due
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from django.conf import settings  # noqa: E402  (settings come first)
from django.test import Client  # noqa: E402

# A gateway of their own: the books of the simulator are those of the stack's provider process.
GATEWAY = "crashing"


def play(settings: Any, provider_url: str) -> None:
    """Take card payments at this provider, in this process, and believe what the tests sign in its name.

    `settings` is Django's, or in a test pytest-django's, which puts everything back.
    """
    from tests.provider_events import SECRET

    settings.CARD_GATEWAY = GATEWAY
    settings.GATEWAYS = {
        **settings.GATEWAYS,
        GATEWAY: {"URL": provider_url, "TIMEOUT_SECONDS": 2.0, "WEBHOOK_SECRETS": [SECRET]},
    }
    settings.OPERATION_LEASE_SECONDS = 1


def post(*, path: str, body: str, headers: dict[str, str]) -> Any:
    client = Client(SERVER_NAME="127.0.0.1")
    return client.post(f"/api/v1/{path}", data=body.encode(), content_type="application/json", headers=headers)


def work() -> int:
    """Submit and ask once for everything that is due; returns how many operations that were."""
    from core.orders.services import provider_work

    with ThreadPoolExecutor(2) as pool:
        started = [
            *provider_work.start_submissions(pool=pool, limit=8),
            *provider_work.start_queries(pool=pool, limit=8),
        ]
        wait(started)
    return len(started)


def main(action: str, arguments: dict[str, Any]) -> None:
    play(settings, os.environ["CRASH_PROVIDER_URL"])
    if action == "post":
        print(post(**arguments).status_code)
    elif action == "work":
        while work():
            pass
    elif action == "deliver":
        from core.webhooks.services import deliveries

        print(deliveries.send_due(seconds_max=5))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
