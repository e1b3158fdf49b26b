"""The admin shows everything and changes nothing."""

import uuid

import pytest
from django.contrib import admin
from django.test import Client

from core.accounts.models import User

MODELS = sorted(f"{model._meta.app_label}/{model._meta.model_name}" for model in admin.site._registry)
OURS = [name for name in MODELS if name.split("/")[0] in {"accounts", "catalog", "orders", "payments", "api", "outbox"}]


@pytest.fixture(scope="module")
def staff() -> Client:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.create_superuser(f"{uuid.uuid4().hex}@example.org", "not used here"))
    return client


def test_every_table_of_money_is_there():
    assert {"payments/payment", "payments/paymentevent", "payments/wallet", "orders/order", "catalog/product"} <= set(
        OURS
    )


@pytest.mark.parametrize("model", OURS)
def test_a_list_is_shown_and_nothing_can_be_added(staff, model):
    assert staff.get(f"/admin/{model}/").status_code == 200
    assert staff.get(f"/admin/{model}/add/").status_code == 403


def test_a_stranger_is_sent_to_sign_in():
    answer = Client(SERVER_NAME="127.0.0.1").get("/admin/payments/payment/")

    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/admin/login/")
