"""One payment as every store has it: the fold of its events, payments_by_id, PostgreSQL's row."""

import uuid

import pytest
from rest_framework.test import APIRequestFactory, force_authenticate

from core.accounts.models import User
from core.payments.models import Payment
from payments_ledger import session
from payments_ledger.api.views import PaymentRecordView, ProviderReferenceView
from payments_ledger.rows import rows_of
from payments_ledger.tables import PAYMENT_EVENTS, PAYMENTS_BY_ID
from tests.factories.ledger_damage import by_hand
from tests.factories.ledger_events import canonical, decide, insert_history, life_of_payment, own_noon, record

STEPS = [
    ("payment.created", 900),
    ("payment.authorized", 900),
    ("payment.captured", 900),
    ("dispute.opened", 300),
    ("dispute.won", 300),
    ("refund.requested", 100),
    ("refund.succeeded", 100),
]


def member(**fields):
    return User.objects.create(email=f"{uuid.uuid4().hex}@example.org", password="!", **fields)


@pytest.fixture(scope="module")
def owner():
    return member()


@pytest.fixture(scope="module")
def staff():
    return member(is_staff=True)


def lived(owner, **changes):
    """A payment in both stores, as the ledger worker leaves it."""
    bodies = life_of_payment(
        *STEPS, payment_type="card", provider="simulator", booked_at=own_noon(), user_id=str(owner.id), **changes
    )
    decide(bodies)
    insert_history(bodies)
    record(bodies)
    return bodies


@pytest.fixture
def bodies(owner):
    return lived(owner, provider_ref=f"ch_{uuid.uuid4().hex}")


def read(payment_id, user):
    request = APIRequestFactory().get(f"/api/v1/ledger/payments/{payment_id}")
    force_authenticate(request, user)
    return PaymentRecordView.as_view()(request, payment_id=uuid.UUID(str(payment_id)))


def test_every_store_says_the_same(bodies, owner):
    answer = read(bodies[0]["payment_id"], owner).data

    assert (answer["state_agrees"], answer["is_current"], answer["differences"]) == (True, True, [])
    payment = answer["payment"]
    assert (payment["status"], payment["version"]) == ("captured", 7)
    assert [payment[name]["amount_minor"] for name in ("authorized", "captured", "refunded", "disputed")] == [
        900,
        900,
        100,
        0,
    ]
    assert len(payment["events"]) == 7


def test_the_reference_of_the_provider_is_for_staff(bodies, owner, staff):
    assert read(bodies[0]["payment_id"], owner).data["provider_ref"] == ""
    assert read(bodies[0]["payment_id"], staff).data["provider_ref"] == bodies[0]["provider_ref"]


def test_anothers_payment_looks_like_a_missing_one(bodies):
    stranger = member()

    anothers, missing = read(bodies[0]["payment_id"], stranger), read(uuid.uuid4(), stranger)

    assert (anothers.status_code, missing.status_code) == (404, 404)
    assert anothers.data["code"] == missing.data["code"] == "not_found"


def test_a_payment_of_which_nothing_is_recorded_is_shown_as_such(owner):
    body = life_of_payment(("payment.created", 900), payment_type="card", provider="simulator", user_id=str(owner.id))
    decide(body)
    insert_history(body)
    try:
        answer = read(body[0]["payment_id"], owner).data
    finally:
        record(body)

    assert (answer["payment"], answer["is_current"], answer["state_agrees"]) == (None, False, True)


def test_a_payment_that_is_behind_agrees_with_what_was_then(owner):
    bodies = life_of_payment(*STEPS, payment_type="card", provider="simulator", user_id=str(owner.id))
    decide(bodies)
    insert_history(bodies)
    record(bodies[:3])
    try:
        answer = read(bodies[0]["payment_id"], owner).data
    finally:
        record(bodies[3:])

    assert (answer["payment"]["version"], answer["is_current"], answer["state_agrees"]) == (3, False, True)
    assert answer["payment"]["disputed"]["amount_minor"] == 0


@pytest.mark.parametrize(
    ("cql", "said"),
    [
        (
            "UPDATE payments_by_id SET captured_minor = 1 WHERE payment_id = :payment",
            "payments_by_id.captured_minor is 1, the events say 900",
        ),
        (
            "UPDATE payments_by_id SET status = null WHERE payment_id = :payment",
            "payments_by_id.status is None, the events say captured",
        ),
        ("DELETE FROM payments_by_id WHERE payment_id = :payment", "payments_by_id: has no row"),
        (
            "DELETE FROM payment_events WHERE order_id = :order AND payment_id = :payment AND seq = 4",
            "payment_events: event 4 is missing",
        ),
        (
            "DELETE FROM payment_events WHERE order_id = :order AND payment_id = :payment AND seq = 7",
            "payment_events: event 7 was acknowledged, the last there is 6",
        ),
        (
            "UPDATE payment_events SET amount_minor = 9 WHERE order_id = :order AND payment_id = :payment AND seq = 7",
            "payments_by_id.refunded_minor is 100, the events say 9",
        ),
        (
            "UPDATE payment_events SET amount_minor = null, currency = null, booked_at = null, postings = null, "
            "event_type = null, status_after = null "
            "WHERE order_id = :order AND payment_id = :payment AND seq = 7",
            "payment_events: event 7: its type None or amount None means nothing",
        ),
        ("DELETE FROM payment_events WHERE order_id = :order", "payment_events: event 7 was acknowledged"),
    ],
)
def test_what_was_done_by_hand_is_shown_and_breaks_nothing(owner, staff, cql, said):
    bodies = lived(owner)
    names = {"payment": uuid.UUID(bodies[0]["payment_id"]), "order": uuid.UUID(bodies[0]["order_id"])}
    words = [names[word.strip(":,")] for word in cql.split() if word.startswith(":")]
    by_hand(" ".join("?" if word.startswith(":") else word for word in cql.split()), words)
    try:
        told, shown = read(bodies[0]["payment_id"], staff), read(bodies[0]["payment_id"], owner)
    finally:
        put_back(bodies)

    assert (told.status_code, told.data["state_agrees"]) == (200, False)
    assert any(sentence.startswith(said) for sentence in told.data["differences"]), told.data["differences"]
    assert (shown.status_code, shown.data["state_agrees"], shown.data["differences"]) == (200, False, [])
    assert read(bodies[0]["payment_id"], staff).data["state_agrees"]


def put_back(bodies):
    """Write the rows as they were, now: a write at the original time would not undo what was done by hand."""
    events = [rows_of(canonical(body)) for body in bodies]
    for table, rows in ((PAYMENT_EVENTS, [each.record for each in events]), (PAYMENTS_BY_ID, [events[-1].state])):
        marks = ", ".join("?" * len(table.columns))
        for row in rows:
            by_hand(f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})", row)


def test_a_changed_row_in_postgresql_is_shown(bodies, staff):
    Payment.objects.filter(pk=bodies[0]["payment_id"]).update(refunded_minor=99)
    try:
        answer = read(bodies[0]["payment_id"], staff).data
    finally:
        Payment.objects.filter(pk=bodies[0]["payment_id"]).update(refunded_minor=100)

    assert answer["differences"] == ["postgresql.refunded_minor is 99, the events say 100"]


def test_a_payment_that_postgresql_never_decided_is_shown_to_staff_alone(owner, staff):
    bodies = life_of_payment(("payment.captured", 900), user_id=str(owner.id))
    insert_history(bodies)
    record(bodies)

    answer = read(bodies[0]["payment_id"], staff).data

    assert answer["differences"] == ["postgresql: has no such payment"]
    assert read(bodies[0]["payment_id"], owner).status_code == 404


def look_up(provider, reference, user):
    request = APIRequestFactory().get(f"/api/v1/ledger/provider-references/{provider}/{reference}")
    force_authenticate(request, user)
    return ProviderReferenceView.as_view()(request, provider=provider, reference=reference)


def test_staff_finds_a_payment_by_the_providers_reference(bodies, owner, staff):
    reference = bodies[0]["provider_ref"]

    assert look_up("simulator", reference, staff).data == {
        "data": [{"payment_id": bodies[0]["payment_id"], "order_id": bodies[0]["order_id"]}]
    }
    assert look_up("simulator", reference[:-1], staff).status_code == 404
    assert look_up("other", reference, staff).status_code == 404
    assert look_up("simulator", reference, owner).status_code == 403


@pytest.mark.parametrize("view", [read, lambda reference, user: look_up("simulator", reference, user)])
def test_while_cassandra_is_away_the_answer_is_503(bodies, staff, settings, view):
    session.close()
    settings.LEDGER = {**settings.LEDGER, "PORT": 1}
    try:
        answer = view(bodies[0]["payment_id"], staff)
    finally:
        session.close()

    assert (answer.status_code, answer.data["code"]) == (503, "ledger_unavailable")
