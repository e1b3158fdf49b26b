"""Which events a verification looks at."""

from datetime import date

from payments_ledger.reconciliation.scope import OpenDays, Scope

DAY = date(2010, 5, 10)


def scope(*, first_day=None, last_day=None, open_days=()):
    return Scope(watermark_ms=1000, first_day=first_day, last_day=last_day, open_days=tuple(open_days))


def test_both_ends_belong_to_the_scope():
    limits = scope(first_day=DAY, last_day=DAY)

    assert limits.has_day(DAY)
    assert not limits.has_day(date(2010, 5, 9))
    assert not limits.has_day(date(2010, 5, 11))


def test_days_of_open_imports_are_left_out():
    limits = scope(open_days=[OpenDays("orders.parquet", date(2010, 5, 1), DAY)])

    assert not limits.has_day(DAY)
    assert limits.has_day(date(2010, 5, 11))


def test_a_row_without_a_day_is_looked_at_when_all_days_are():
    assert scope().has_day(None)
    assert not scope(first_day=DAY).has_day(None)


def test_the_watermark_itself_is_not_below_it():
    assert scope().has_moment(999)
    assert not scope().has_moment(1000)
    assert scope().has_moment(None)
