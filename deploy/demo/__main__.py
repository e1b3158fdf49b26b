"""`make demo`: seed, buy through the API, wait until quiet, report, and exit 0 only if everything agrees."""

import argparse
import os
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import datetime

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
# What people read here is the report; the processes' own logs are under `make logs`.
os.environ["LOG_LEVEL"] = "WARNING"
django.setup()

from core.clock import now  # noqa: E402  (models need a configured Django)
from core.env import env  # noqa: E402
from deploy.demo import seed, shopping, verdict  # noqa: E402
from payments_ledger import history  # noqa: E402
from payments_ledger.reconciliation.verify import verify  # noqa: E402
from simulators.shoppers import Shopper  # noqa: E402

QUIET_SECONDS_MAX = 60.0
BREAKS_SHOWN_MAX = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--checkouts", type=int, default=300)
    options = parser.parse_args()
    base_url = env.str("WEB_URL", default="http://127.0.0.1:18000")
    since = now()

    products, emails = seed.seed_products(), seed.seed_users()
    print(f"{len(products)} products, {len(emails)} users with wallets")
    started = time.monotonic()
    purchases = shopping.draw_purchases(count=options.checkouts, emails=emails, products=products)
    outcomes = shopping.shop(purchases=purchases, base_url=base_url, password=seed.PASSWORD)
    elapsed = time.monotonic() - started
    print(f"{len(outcomes)} purchases made and settled in {elapsed:.1f} s")
    problems = list(shopping.untruths(outcomes))
    merchant = Shopper(base_url=base_url, email=seed.seed_merchant(), password=seed.PASSWORD)
    refunded, refusals = shopping.refund_some(outcomes=outcomes, merchant=merchant)
    print(f"{len(refunded)} orders refunded in part, each refund asked for {shopping.REFUND_REQUESTS} times")
    problems += refusals
    problems += _wait_until_recorded()
    _print_figures(since)
    problems += _judge(since)
    return _conclude(problems, base_url)


def _wait_until_recorded() -> list[str]:
    deadline = time.monotonic() + QUIET_SECONDS_MAX
    while (waiting := history.unrecorded())[1]:
        if time.monotonic() > deadline:
            return [f"{waiting[1]} events of {waiting[0]} payments were not recorded in {QUIET_SECONDS_MAX:.0f} s"]
        time.sleep(0.2)
    return []


def _print_figures(since: datetime) -> None:
    _print_table("Orders of this run by status (PostgreSQL)", verdict.orders_by_status(since=since))
    _print_table("Ledger events by type, today (Cassandra)", verdict.ledger_events_by_type(since=since, until=now()))
    delays = verdict.ledger_delays_seconds(since=since)
    if delays:
        p50, p99 = (delays[min(int(len(delays) * share), len(delays) - 1)] * 1000 for share in (0.50, 0.99))
        print(f"\nCommit to ledger: p50 {p50:.0f} ms, p99 {p99:.0f} ms ({len(delays)} payments)")


def _judge(since: datetime) -> list[str]:
    report = verify()
    print(f"\nReconciler: {verdict.ledger_sentence(report)}")
    problems = [difference.sentence() for difference in report.differences]
    breaks = verdict.book_breaks()
    print(f"Books: money, stock and the provider's log: {len(breaks)} breaks")
    return problems + breaks


def _conclude(problems: Iterable[str], base_url: str) -> int:
    problems = list(problems)
    for problem in problems[:BREAKS_SHOWN_MAX]:
        print(f"  ✗ {problem}")
    if problems:
        print(f"\n✗ {len(problems)} things do not agree.")
    else:
        print("\n✓ Money, stock, the provider's log, PostgreSQL and Cassandra agree; no double submit charged twice.")
    today = now().date()
    query = (
        "SELECT booked_at, event_type, amount_minor, currency FROM payments_ledger.events_by_day "
        f"WHERE booking_day = '{today}' AND payment_type = 'wallet' AND bucket = 0 LIMIT 10"
    )
    print(f"\nThe stack is still up. API: {base_url}/api/docs  (sign in as {seed.email_of(1)} / {seed.PASSWORD})")
    print(f'The day\'s payments:  make cqlsh ARGS="-e \\"{query}\\""')
    print("Stop everything:     make down")
    return 1 if problems else 0


def _print_table(title: str, counts: Mapping[str, int]) -> None:
    print(f"\n{title}")
    for name, count in sorted(counts.items(), key=lambda item: -item[1]):
        print(f"  {count:>6}  {name}")


if __name__ == "__main__":
    sys.exit(main())
