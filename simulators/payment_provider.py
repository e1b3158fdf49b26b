"""A payment provider to develop and test against: `python -m simulators.payment_provider --port P --log FILE`.

    POST /v1/operations                {payment_id, kind, amount_minor, currency, token}; Idempotency-Key: operation id
    GET  /v1/operations/{operation_id} the stored decision, or 404 `not_found`
    GET  /v1/settlement?day=YYYY-MM-DD the day's settlement file, CSV (settlement.py, fees.py)
    GET  /v1/log?after=N               every durable record above N, for whoever has to prove what was moved
    GET  /healthz
    POST /v1/control/boleto            {payment_id, paid}: the customer pays the slip, or it expires
    POST /v1/control/disputes          {payment_id, amount_minor, reason}: the customer contests a capture
    POST /v1/control/disputes/{id}     {status}: it ends `won` or `lost`
    POST /v1/control/outages           {seconds, drop}: the API answers 503, or drops connections, for so long

Kinds are authorize, capture, void and refund; what exceeds the payment's totals is declined (payment_totals.py). The
token chooses the behaviour (card_tokens.py). A decision is fsync'd before its answer leaves, and replayed at the next
start: the process may be killed at any moment.

With --webhook-url each decided operation and each step of a dispute is told to that address, signed, until it is
acknowledged or given up (webhook_events.py, webhook_queue.py). Both ends are in the log: a restart goes on from there.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from simulators.operation_log import LogDamaged, LogInUse, OperationLog
from simulators.provider import Provider
from simulators.provider_http import ProviderServer
from simulators.slip_clock import SlipClock
from simulators.webhook_queue import WebhookQueue
from simulators.webhook_sender import WebhookSender

logger = logging.getLogger(__name__)

SECRETS_VARIABLE = "PROVIDER_WEBHOOK_SECRETS"


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Exit code 2 when the log or the port cannot be had, or there is no secret."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level, format="%(asctime)s %(levelname)s %(message)s")
    stopping = threading.Event()
    try:
        server = _server(options, stopping)
    except (LogInUse, LogDamaged) as error:
        logger.error("%s %s", error, type(error).__doc__)
        return 2
    except OSError as error:
        logger.error("cannot serve on %s:%s with %s: %s", options.host, options.port, options.log, error)
        return 2
    if server.webhooks is not None:
        secret = options.webhook_secret.split(",")[0].strip()
        if not secret:
            logger.error("webhooks need a secret: give --webhook-secret or set %s", SECRETS_VARIABLE)
            return 2
        WebhookSender(queue=server.webhooks, url=options.webhook_url, secret=secret, stopping=stopping).start()
    SlipClock(log=server.log, provider=server.provider, slow_seconds=options.slow_seconds, stopping=stopping).start()
    _stop_on_signal(server, stopping)
    logger.info("serving on %s:%s, %d operations known", *server.server_address[:2], server.provider.known_count())
    # The log stays open to the end: a request still in flight may be writing to it.
    server.serve_forever(poll_interval=0.1)
    return 0


def _server(options: argparse.Namespace, stopping: threading.Event) -> ProviderServer:
    log = OperationLog(path=options.log)
    return ProviderServer(
        (options.host, options.port),
        provider=Provider(log=log, slow_seconds=options.slow_seconds, stopping=stopping),
        log=log,
        webhooks=WebhookQueue(log=log, late_seconds=options.hold_seconds) if options.webhook_url else None,
        hold_seconds=options.hold_seconds,
        stopping=stopping,
    )


def _stop_on_signal(server: ProviderServer, stopping: threading.Event) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()
        # shutdown() waits for serve_forever, which runs in this very thread.
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="payment_provider", description="A simulated payment provider.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free port")
    parser.add_argument("--log", type=Path, required=True, help="file of JSON lines, made when missing")
    parser.add_argument(
        "--hold-seconds", type=float, default=5.0, help="how long a held answer and a late webhook are kept"
    )
    parser.add_argument("--slow-seconds", type=float, default=1.0, help="how long tok_slow and a slip's end take")
    parser.add_argument("--webhook-url", default="", help="where webhooks go; left out: none are sent")
    parser.add_argument(
        "--webhook-secret",
        default=os.environ.get(SECRETS_VARIABLE, ""),
        help=f"signs them; of several with commas the first (default: ${SECRETS_VARIABLE})",
    )
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    return parser


if __name__ == "__main__":
    sys.exit(main())
