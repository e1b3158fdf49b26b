"""Draws up the purchases and lets the shoppers make them."""

import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

from tqdm import tqdm

from simulators.shoppers import Outcome, Purchase, Shopper

SHOPPERS_AT_ONCE = 8
SETTLE_SECONDS_MAX = 60.0
SENT_TWICE_EVERY = 10

# Every so manyth paid order is refunded in part, asked for this often.
REFUND_EVERY = 15
REFUND_MINOR = 50
REFUND_REQUESTS = 3

WALLET = {"method": "wallet"}


def _card(token: str) -> dict[str, str]:
    return {"method": "card", "token": token}


# Kind of purchase → how often of 100, and its instruments.
MIX: dict[str, tuple[int, list[dict[str, str]]]] = {
    "wallet": (45, [WALLET]),
    "card approved": (25, [_card("tok_approve")]),
    "wallet and card": (8, [WALLET, _card("tok_approve")]),
    "wallet and card declined": (2, [WALLET, _card("tok_decline")]),
    "card declined": (8, [_card("tok_decline")]),
    "card timed out after charge": (6, [_card("tok_timeout_after_charge")]),
    "card error after charge": (4, [_card("tok_500_after_charge")]),
    "card timed out before charge": (2, [_card("tok_timeout_before_charge")]),
}


def draw_purchases(*, count: int, emails: Sequence[str], products: Sequence[str]) -> list[Purchase]:
    """`count` purchases in the proportions of MIX, every tenth of each kind sent twice at once, in random order."""
    chance = random.Random()
    kinds = [kind for kind, (share, _) in MIX.items() for _ in range(share)]
    drawn: Counter[str] = Counter()
    purchases = []
    for number in range(count):
        kind = kinds[number * len(kinds) // count]
        lines = [(product, chance.randint(1, 3)) for product in chance.sample(products, chance.randint(1, 3))]
        purchases.append(
            Purchase(
                kind=kind,
                email=chance.choice(emails),
                lines=lines,
                instruments=MIX[kind][1],
                is_sent_twice=drawn[kind] % SENT_TWICE_EVERY == 0,
            )
        )
        drawn[kind] += 1
    chance.shuffle(purchases)
    return purchases


def shop(*, purchases: Sequence[Purchase], base_url: str, password: str) -> list[Outcome]:
    """Make the purchases, several shoppers at once, then wait until none is pending. Shows progress."""
    by_shopper: dict[str, list[Purchase]] = defaultdict(list)
    for purchase in purchases:
        by_shopper[purchase.email].append(purchase)
    with ThreadPoolExecutor(SHOPPERS_AT_ONCE) as pool, _progress("checkouts", len(purchases)) as progress:
        visits = [
            pool.submit(_visit, base_url, email, password, wanted, progress) for email, wanted in by_shopper.items()
        ]
        bought = [visit.result() for visit in visits]
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    with ThreadPoolExecutor(SHOPPERS_AT_ONCE) as pool, _progress("settled", len(purchases)) as progress:
        waits = [pool.submit(_wait, shopper, outcomes, deadline, progress) for shopper, outcomes in bought]
        for wait in waits:
            wait.result()
    return [outcome for _, outcomes in bought for outcome in outcomes]


def _progress(title: str, total: int) -> "tqdm[NoReturn]":
    # In a log every refresh is a line, so there it is rare.
    seconds = 0.2 if sys.stderr.isatty() else 5.0
    return tqdm(total=total, desc=title, unit="order", ncols=88, mininterval=seconds)


def _visit(
    base_url: str, email: str, password: str, wanted: Sequence[Purchase], progress: "tqdm[NoReturn]"
) -> tuple[Shopper, list[Outcome]]:
    shopper = Shopper(base_url=base_url, email=email, password=password)
    outcomes = []
    for purchase in wanted:
        outcomes.append(shopper.buy(purchase))
        progress.update()
    return shopper, outcomes


def _wait(shopper: Shopper, outcomes: Sequence[Outcome], deadline: float, progress: "tqdm[NoReturn]") -> None:
    for outcome in outcomes:
        shopper.settle(outcome, deadline=deadline)
        progress.update()
    shopper.close()


def untruths(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Where what a shopper was told is not what happened, or a double submit did not stay one purchase."""
    for outcome in outcomes:
        told = f"order {outcome.order_id} ({outcome.purchase.kind}), answers {outcome.answers}"
        if outcome.error:
            yield f"{told}: {outcome.error}"
        elif len(set(outcome.answers) - {202}) > 1:
            yield f"{told}: the same key was answered in two ways"
        elif outcome.captured_payments > len(outcome.purchase.instruments):
            yield f"{told}: charged {outcome.captured_payments} times"
        elif outcome.payment_status != _expected_status(outcome.purchase):
            yield f"{told}: ended as {outcome.payment_status!r}"


def _expected_status(purchase: Purchase) -> str:
    return "failed" if purchase.kind.endswith("declined") else "paid"


def refund_some(*, outcomes: Sequence[Outcome], merchant: Shopper) -> tuple[list[str], list[str]]:
    """Give a part of some paid orders back, each asked for several times under one key, and wait for the end.

    Returns the refunded orders and what went wrong.
    """
    paid = [outcome.order_id for outcome in outcomes if outcome.payment_status == "paid"][::REFUND_EVERY]
    problems = []
    for order_id in paid:
        answers = merchant.refund(order_id, amount_minor=REFUND_MINOR, times=REFUND_REQUESTS)
        if not set(answers) <= {201, 202}:
            problems.append(f"refund of order {order_id} was answered {answers}")
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    for order_id in paid:
        refunded_minor = merchant.refunded_minor(order_id, at_least_minor=REFUND_MINOR, deadline=deadline)
        if refunded_minor != REFUND_MINOR:
            problems.append(f"order {order_id}: {refunded_minor} refunded, {REFUND_MINOR} asked for")
    return paid, problems
