"""What the shoppers find: products with stock, and users with money. Run again it only tops up."""

import random

from django.contrib.auth.hashers import make_password

from core.accounts.models import User
from core.catalog.models import Product
from core.catalog.services.products import add_product
from core.money import Money
from core.payments.services import wallets

PRODUCTS = 200
USERS = 100
CURRENCY = "GBP"
OPENING_STOCK = 10_000
WALLET_MINIMUM_MINOR = 50_000
DEPOSIT_MINOR = 100_000
PASSWORD = "demonstration only"
PROVIDER = "simulator"
MERCHANT = "merchant@example.org"

_THINGS = ["mug", "lantern", "bunting", "clock", "candle", "tray", "basket", "frame", "bell", "doorstop"]
_COLOURS = ["white", "red", "ivory", "pink", "blue", "black", "green", "gold", "silver", "vintage"]
_SIZES = ["small", "large"]


def email_of(number: int) -> str:
    return f"shopper{number:03d}@example.org"


def seed_products() -> list[str]:
    """Ids of the demonstration's products, made when they are missing. Prices are the same on every machine."""
    prices = random.Random(2010)
    names = [f"{colour} {thing}, {size}" for size in _SIZES for colour in _COLOURS for thing in _THINGS]
    for number, name in enumerate(names[:PRODUCTS], start=1):
        price = Money(prices.randrange(85, 2_495, 5), CURRENCY)
        add_product(sku=f"DEMO-{number:03d}", name=name.capitalize(), price=price, opening_stock=OPENING_STOCK)
    ours = Product.objects.filter(sku__startswith="DEMO-").order_by("sku")
    return [str(pk) for pk in ours.values_list("pk", flat=True)]


def seed_merchant() -> str:
    """The e-mail address of the demonstration's staff."""
    merchant, _ = User.objects.update_or_create(
        email=MERCHANT, defaults={"is_staff": True}, create_defaults={"is_staff": True, "password": _password()}
    )
    return merchant.email


def seed_users() -> list[str]:
    """E-mail addresses of users who can sign in and have at least WALLET_MINIMUM_MINOR in their wallet."""
    emails = [email_of(number) for number in range(1, USERS + 1)]
    known = set(User.objects.filter(email__in=emails).values_list("email", flat=True))
    # One hash for all of them: hashing is slow on purpose, and these accounts protect nothing.
    password = _password()
    User.objects.bulk_create(User(email=email, password=password) for email in emails if email not in known)
    for user in User.objects.filter(email__in=emails).order_by("email"):
        wallet = wallets.open_wallet(user_id=user.id, currency=CURRENCY)
        if wallet.balance_minor < WALLET_MINIMUM_MINOR:
            wallets.deposit(user_id=user.id, amount=Money(DEPOSIT_MINOR, CURRENCY), provider=PROVIDER)
    return emails


def _password() -> str:
    return make_password(PASSWORD)
