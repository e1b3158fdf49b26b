"""What a person must look at is listed until somebody says what was done."""

import json
import uuid
from io import StringIO

import pytest
from django.core.management import call_command

from core.clock import now
from core.payments.domain.operation_state import Attention, OperationKind, OperationState
from core.payments.models import Payment, PaymentOperation
from tests.storefront import Storefront


@pytest.fixture
def operation() -> PaymentOperation:
    """A refund that was refused and nobody looked at yet."""
    shop = Storefront(wallet_minor=100)
    return PaymentOperation.objects.create(
        payment=Payment.objects.get(user=shop.user),
        kind=OperationKind.REFUND,
        state=OperationState.DECLINED,
        amount_minor=50,
        currency="GBP",
        decline_code="account_closed",
        next_attempt_at=None,
        attention=Attention.REFUND_DECLINED,
        attention_at=now(),
    )


@pytest.fixture
def staff() -> Storefront:
    shop = Storefront()
    type(shop.user).objects.filter(pk=shop.user.pk).update(is_staff=True)
    return shop


def listed(client) -> list[str]:
    page = client.get("operations/needing-attention", params={"limit": 100}).json()
    return [found["id"] for found in page["data"]]


def test_the_command_names_it_and_exits_with_1(operation):
    output = StringIO()

    with pytest.raises(SystemExit) as end:
        call_command("payments", "needs_attention", "--json", stdout=output)

    assert end.value.code == 1
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    (line,) = [line for line in lines if line["id"] == str(operation.id)]
    assert (line["attention"], line["amount_minor"], line["decline_code"]) == ("refund_declined", 50, "account_closed")
    PaymentOperation.objects.filter(pk=operation.pk).update(attention="")


def test_staff_see_it_and_take_it_off_the_list_with_a_note(operation, staff):
    assert str(operation.id) in listed(staff.client)

    answer = staff.client.post(f"operations/{operation.id}/resolve", json={"resolution": "paid back by hand"})

    assert answer.status_code == 200
    assert str(operation.id) not in listed(staff.client)
    operation.refresh_from_db()
    assert (operation.attention, operation.resolution) == ("", "paid back by hand")
    assert staff.client.post(f"operations/{operation.id}/resolve", json={"resolution": "again"}).status_code == 404


def test_nobody_else_sees_the_list(operation):
    shop = Storefront()

    assert shop.client.get("operations/needing-attention").status_code == 403
    assert shop.client.post(f"operations/{operation.id}/resolve", json={"resolution": "x"}).status_code == 403
    assert shop.client.post(f"operations/{uuid.uuid4()}/resolve", json={"resolution": "x"}).status_code == 403
    PaymentOperation.objects.filter(pk=operation.pk).update(attention="")
