"""Signing in without Redis: still possible, and guessing still bounded."""

import time

from deploy.local.control import Stack
from tests.accounts import Account

WEB_PROCESSES = 2
ANSWER_SECONDS_MAX = 5.0


def test_without_redis_guessing_is_bounded_by_each_web_process(stack: Stack):
    account, other = Account(), Account()
    stack.stop("redis")

    started = time.monotonic()
    statuses = [account.sign_in("wrong").status_code for _ in range(30)]
    slowest = (time.monotonic() - started) / len(statuses)

    assert set(statuses) == {401, 429}
    assert 10 <= statuses.count(401) <= 10 * WEB_PROCESSES
    assert other.sign_in().status_code == 200
    assert slowest < ANSWER_SECONDS_MAX
