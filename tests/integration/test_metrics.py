"""What Prometheus reads: from the running web, and from rows that tests put there."""

import re
from uuid import uuid4

import httpx
import pytest
import yaml
from django.conf import settings
from django.db import connection
from django.test import RequestFactory
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from core import clock
from core.api.metrics import metrics_of
from core.env import env
from core.payments import metrics as payment_metrics
from deploy.local.layout import PROJECT_ROOT
from outbox import metrics as outbox_metrics
from payments_ledger import metrics as ledger_metrics
from payments_ledger.models import Mode, Verdict, Verification

SOURCES = [outbox_metrics.collect, payment_metrics.collect, ledger_metrics.collect]
ALERTS = PROJECT_ROOT / "deploy/prometheus/alerts.yml"
NAMES = re.compile(r"\b(?:ledger|payment|outbox)_[a-z_]+\b")


def scrape(token: str | None) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{env.str('WEB_URL')}/metrics", headers=headers, timeout=30)


def value_of(families: list[Metric], name: str, **labels: str) -> float:
    samples = [sample for family in families for sample in family.samples]
    [value] = [sample.value for sample in samples if sample.name == name and sample.labels == labels]
    return value


def read() -> list[Metric]:
    return [family for source in SOURCES for family in source()]


def test_the_running_web_shows_the_state_of_the_books_to_who_has_the_token() -> None:
    answer = scrape(settings.METRICS_TOKEN)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    families = list(text_string_to_metric_families(answer.text))
    assert value_of(families, "ledger_watermark_age_seconds") >= 0
    assert value_of(families, "outbox_oldest_unpublished_seconds") >= 0
    assert value_of(families, "payment_operations_needing_attention") >= 0


@pytest.mark.parametrize("token", [None, "wrong", "wröng"])
def test_nobody_else_sees_it(token: str | None) -> None:
    answer = httpx.get(
        f"{env.str('WEB_URL')}/metrics",
        headers={} if token is None else {b"Authorization": f"Bearer {token}".encode()},
        timeout=30,
    )

    assert answer.status_code == 401
    assert answer.json()["code"] == "metrics_token_refused"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_without_a_token_in_the_settings_there_is_no_such_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "METRICS_TOKEN", "")

    answer = metrics_of(*SOURCES)(RequestFactory().get("/metrics", headers={"Authorization": "Bearer "}))

    assert answer.status_code == 404


def test_what_waits_in_the_outbox_is_counted_until_it_is_published() -> None:
    # An open transaction's row is in nobody's snapshot but its own: no relay can take it before the rollback.
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(
            "INSERT INTO outbox_event (lane, event_id, topic, agg_key, agg_seq, type, payload, created_at)"
            " VALUES (0, %s, 'x', %s, 1, 'x', ''::bytea, clock_timestamp() - interval '90 seconds')",
            [uuid4(), str(uuid4())],
        )
        try:
            families = list(outbox_metrics.collect())
        finally:
            cursor.execute("ROLLBACK")

    assert value_of(families, "outbox_unpublished_events") >= 1
    assert value_of(families, "outbox_oldest_unpublished_seconds") >= 90


def test_parked_keys_and_dead_letters_are_counted_by_group() -> None:
    group = f"group-{uuid4().hex[:8]}"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_consumer_parked (group_id, agg_key, first_seq, reason) VALUES (%s, 'k', 1, 'poison')",
            [group],
        )
        cursor.execute(
            "INSERT INTO outbox_dead_letter"
            " (group_id, topic, partition, kafka_offset, agg_key, agg_seq, type, payload, reason)"
            " VALUES (%s, 'x', 0, 0, 'k', 1, 'x', ''::bytea, 'poison')",
            [group],
        )
        try:
            families = list(outbox_metrics.collect())
        finally:
            cursor.execute("DELETE FROM outbox_consumer_parked WHERE group_id = %s", [group])
            cursor.execute("DELETE FROM outbox_dead_letter WHERE group_id = %s", [group])

    assert value_of(families, "outbox_parked_keys", by=group) == 1
    assert value_of(families, "outbox_dead_letters", group=group) == 1


def test_the_newest_verification_of_each_mode_is_shown_with_its_differences() -> None:
    now = clock.now()
    kept = Verification.objects.create(
        mode=Mode.DEEP,
        tables=["payment_events"],
        watermark=now,
        verdict=Verdict.DIFFER,
        counts={"missing": 3},
        started_at=now,
        duration_ms=1,
    )
    try:
        families = list(ledger_metrics.collect())
    finally:
        kept.delete()

    assert value_of(families, "ledger_verification_differences", mode="deep", kind="missing") == 3
    assert value_of(families, "ledger_verification_verdict", mode="deep", verdict="differ") == 1
    assert value_of(families, "ledger_verification_verdict", mode="deep", verdict="agree") == 0


def rules() -> list[dict[str, object]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def unknown_metrics(expressions: list[str]) -> set[str]:
    """Metrics that expressions name and no source has."""
    measured = {family.name for family in read()}
    return {name for expression in expressions for name in NAMES.findall(expression)} - measured


def test_every_alert_names_metrics_there_are_and_a_runbook_to_open() -> None:
    assert unknown_metrics([str(rule["expr"]) for rule in rules()]) == set()
    for rule in rules():
        annotations = rule["annotations"]
        assert isinstance(annotations, dict)
        assert (PROJECT_ROOT / annotations["runbook"]).is_file(), rule["alert"]


def test_an_alert_on_a_metric_that_nobody_has_is_noticed() -> None:
    assert unknown_metrics(["ledger_watermark_age_seconds > outbox_no_such_seconds"]) == {"outbox_no_such_seconds"}
