"""Draws up the purchases and lets the shoppers make them."""

import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from tqdm import tqdm

from simulators.shoppers import Outcome, Purchase, Shopper

SHOPPERS_AT_ONCE = 6
SETTLE_SECONDS_MAX = 60.0
SENT_TWICE_SHARE = 0.10

# Kind of purchase → how often of 100, and the body of its checkout.
MIX: dict[str, tuple[int, dict[str, str]]] = {
    "wallet": (55, {"method": "wallet"}),
    "card approved": (25, {"method": "card", "token": "tok_approve"}),
    "card declined": (8, {"method": "card", "token": "tok_decline"}),
    "card timed out after charge": (6, {"method": "card", "token": "tok_timeout_after_charge"}),
    "card error after charge": (4, {"method": "card", "token": "tok_500_after_charge"}),
    "card timed out before charge": (2, {"method": "card", "token": "tok_timeout_before_charge"}),
}


def draw_purchases(*, count: int, emails: Sequence[str], products: Sequence[str]) -> list[Purchase]:
    """`count` purchases in the proportions of MIX, a tenth of each kind sent twice at once, in random order."""
    chance = random.Random()
    kinds = [kind for kind, (share, _) in MIX.items() for _ in range(share)]
    purchases = []
    for number in range(count):
        kind = kinds[number * len(kinds) // count]
        lines = [(product, chance.randint(1, 3)) for product in chance.sample(products, chance.randint(1, 3))]
        purchases.append(
            Purchase(
                kind=kind,
                email=chance.choice(emails),
                lines=lines,
                payment=MIX[kind][1],
                is_sent_twice=number % round(1 / SENT_TWICE_SHARE) == 0,
            )
        )
    chance.shuffle(purchases)
    return purchases


def shop(*, purchases: Sequence[Purchase], base_url: str, password: str) -> list[Outcome]:
    """Make the purchases, several shoppers at once, then wait until none is pending. Shows progress."""
    by_shopper: dict[str, list[Purchase]] = defaultdict(list)
    for purchase in purchases:
        by_shopper[purchase.email].append(purchase)
    outcomes: list[Outcome] = []
    with (
        ThreadPoolExecutor(SHOPPERS_AT_ONCE) as pool,
        tqdm(total=len(purchases), desc="checkouts", unit="order", ncols=88) as progress,
    ):
        visits = [pool.submit(_visit, base_url, email, password, wanted) for email, wanted in by_shopper.items()]
        for visit in as_completed(visits):
            for outcome in visit.result():
                outcomes.append(outcome)
                progress.update()
    return outcomes


def _visit(base_url: str, email: str, password: str, wanted: Sequence[Purchase]) -> list[Outcome]:
    shopper = Shopper(base_url=base_url, email=email, password=password)
    try:
        bought = [shopper.buy(purchase) for purchase in wanted]
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        for outcome in bought:
            shopper.settle(outcome, deadline=deadline)
        return bought
    finally:
        shopper.close()


def untruths(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Where what a shopper was told is not what happened, or a double submit did not stay one purchase."""
    for outcome in outcomes:
        told = f"order {outcome.order_id} ({outcome.purchase.kind}), answers {outcome.answers}"
        if outcome.error:
            yield f"{told}: {outcome.error}"
        elif len(set(outcome.answers) - {202}) > 1:
            yield f"{told}: the same key was answered in two ways"
        elif outcome.captured_payments > 1:
            yield f"{told}: charged {outcome.captured_payments} times"
        elif outcome.payment_status != _expected_status(outcome.purchase):
            yield f"{told}: ended as {outcome.payment_status!r}"


def _expected_status(purchase: Purchase) -> str:
    return "failed" if purchase.kind == "card declined" else "paid"
