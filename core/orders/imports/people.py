"""Users of imported orders: one a customer, one guest a country. None of them can sign in."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.utils.text import slugify

from core.accounts.models import User
from core.orders.imports.invoices import Invoice, user_id


def ensure_users(invoices: Iterable[Invoice], *, known: set[UUID]) -> set[UUID]:
    """Make the users of these invoices that are not in `known`; returns the ids looked after. Idempotent.

    In the caller's transaction. A customer keeps the country of the first invoice.
    """
    wanted: dict[UUID, Invoice] = {}
    for invoice in invoices:
        identity = user_id(invoice.customer, invoice.country)
        if identity not in known:
            wanted.setdefault(identity, invoice)
    User.objects.bulk_create(
        (_user(identity, invoice) for identity, invoice in wanted.items()), batch_size=500, ignore_conflicts=True
    )
    return set(wanted)


def _user(identity: UUID, invoice: Invoice) -> User:
    return User(
        id=identity,
        email=_address(identity, invoice),
        # An unusable password: nobody ever chose one.
        password=make_password(None),
        country=invoice.country,
        is_guest=not invoice.customer,
        created_at=invoice.occurred_at,
    )


def _address(identity: UUID, invoice: Invoice) -> str:
    """Readable where the name allows it, unique always; `.invalid` never receives mail (RFC 2606)."""
    kind, name = ("customer", invoice.customer) if invoice.customer else ("guest", invoice.country)
    readable = name if name == slugify(name) else f"{slugify(name)}-{identity.hex[:12]}"
    return f"{kind}-{readable}@imported.invalid"
