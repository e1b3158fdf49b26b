"""Sweepers of payments."""

from concurrent.futures import ThreadPoolExecutor, wait

from django.conf import settings

from core.orders.services import deadlines, provider_work
from workers.celery import app

SWEEP_ROWS_MAX = 100


@app.task(name="payments.query_unknown_operations")
def query_unknown_operations() -> None:
    """The janitor: asks the provider about operations that are unknown and due, or whose lease expired."""
    slots = settings.OPERATION_CONCURRENCY
    with ThreadPoolExecutor(slots, thread_name_prefix="janitor") as pool:
        while queries := provider_work.start_queries(pool=pool, limit=slots):
            wait(queries)


@app.task(name="payments.expire_checkouts")
def expire_checkouts() -> None:
    """The deadline sweeper: checkouts past their deadline give back what they hold, some at a time."""
    while deadlines.sweep(limit=SWEEP_ROWS_MAX):
        pass
