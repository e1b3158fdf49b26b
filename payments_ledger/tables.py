"""The ledger's tables as the code knows them: name, columns in binding order, key; schema.cql says what each is for."""

from dataclasses import dataclass

from payments_ledger import current_names


@dataclass(frozen=True, slots=True)
class Table:
    """One table. A row in code is a tuple of values in the order of `columns`.

    `name` is what code and reports call it. A table that can be rebuilt from PostgreSQL may stand under another name in
    Cassandra, and for a while under two: use `read_name` and `written_names` in CQL, when the statement is made.
    """

    name: str
    partition_key: tuple[str, ...]
    clustering_key: tuple[str, ...]
    columns: tuple[str, ...]
    is_rebuildable: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        return self.partition_key + self.clustering_key

    @property
    def read_name(self) -> str:
        return current_names.read_name(self.name) if self.is_rebuildable else self.name

    @property
    def written_names(self) -> tuple[str, ...]:
        return current_names.written_names(self.name) if self.is_rebuildable else (self.name,)

    def insert_cql(self, name: str = "") -> str:
        """An INSERT of a whole row, into `name` if given. Its last parameter is the write timestamp in microseconds."""
        marks = ", ".join("?" * len(self.columns))
        return f"INSERT INTO {name or self.name} ({', '.join(self.columns)}) VALUES ({marks}) USING TIMESTAMP ?"

    def select_cql(self, *, columns: tuple[str, ...] | None = None, where: str = "") -> str:
        """A SELECT of `columns` (every column when omitted) with an optional WHERE clause."""
        text = f"SELECT {', '.join(columns or self.columns)} FROM {self.read_name}"
        return f"{text} WHERE {where}" if where else text

    def key_condition(self) -> str:
        return " AND ".join(f"{column} = ?" for column in self.key)

    def partition_condition(self) -> str:
        return " AND ".join(f"{column} = ?" for column in self.partition_key)

    def token_condition(self) -> str:
        """The partitions whose token lies after the first and not after the second parameter."""
        token = f"token({', '.join(self.partition_key)})"
        return f"{token} > ? AND {token} <= ?"


PAYMENT_EVENTS = Table(
    name="payment_events",
    partition_key=("order_id",),
    clustering_key=("payment_id", "seq"),
    columns=(
        "order_id",
        "payment_id",
        "seq",
        "event_id",
        "event_type",
        "object_id",
        "status_after",
        "amount_minor",
        "currency",
        "user_id",
        "payment_type",
        "provider",
        "provider_ref",
        "occurred_at",
        "booked_at",
        "booking_day",
        "bucket",
        "postings",
        "body",
        "body_sha256",
        "schema_version",
    ),
)

PAYMENTS_BY_ID = Table(
    name="payments_by_id",
    partition_key=("payment_id",),
    clustering_key=(),
    columns=(
        "payment_id",
        "order_id",
        "user_id",
        "status",
        "version",
        "currency",
        "authorized_minor",
        "captured_minor",
        "refunded_minor",
        "disputed_minor",
        "payment_type",
        "provider",
        "provider_ref",
        "created_at",
        "updated_at",
    ),
    is_rebuildable=True,
)

EVENTS_BY_DAY = Table(
    name="events_by_day",
    partition_key=("booking_day", "payment_type", "bucket"),
    clustering_key=("booked_at", "payment_id", "seq"),
    columns=(
        "booking_day",
        "payment_type",
        "bucket",
        "booked_at",
        "payment_id",
        "seq",
        "order_id",
        "user_id",
        "event_type",
        "amount_minor",
        "currency",
        "status_after",
        "provider",
        "region",
        "occurred_at",
        "postings",
        "body_sha256",
    ),
    is_rebuildable=True,
)

PAYMENTS_BY_USER_MONTH = Table(
    name="payments_by_user_month",
    partition_key=("user_id", "month"),
    clustering_key=("created_at", "payment_id"),
    columns=(
        "user_id",
        "month",
        "created_at",
        "payment_id",
        "order_id",
        "status",
        "version",
        "currency",
        "captured_minor",
        "refunded_minor",
        "payment_type",
        "updated_at",
    ),
    is_rebuildable=True,
)

PAYMENTS_BY_PROVIDER_REF = Table(
    name="payments_by_provider_ref",
    partition_key=("provider", "provider_ref"),
    clustering_key=("payment_id",),
    columns=("provider", "provider_ref", "payment_id", "order_id"),
    is_rebuildable=True,
)

LEDGER_CALENDAR = Table(
    name="ledger_calendar",
    partition_key=("booking_day",),
    clustering_key=(),
    columns=("booking_day", "bucket_count", "payment_types"),
)

LEDGER_SEALS = Table(
    name="ledger_seals",
    partition_key=("booking_day",),
    clustering_key=("payment_type", "bucket", "seal_version"),
    columns=(
        "booking_day",
        "payment_type",
        "bucket",
        "seal_version",
        "event_count",
        "sums",
        "digest",
        "pg_digest",
        "matched",
        "sealed_at",
        "seal_no",
        "prev_seal",
        "tool_version",
    ),
)

DAILY_TOTALS = Table(
    name="daily_totals",
    partition_key=("month",),
    clustering_key=("booking_day", "payment_type", "currency", "event_type"),
    columns=(
        "month",
        "booking_day",
        "payment_type",
        "currency",
        "event_type",
        "event_count",
        "amount_minor",
        "computed_at",
    ),
)
