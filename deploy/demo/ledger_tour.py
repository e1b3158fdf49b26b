"""`make ledger-tour`: a month of real orders is imported, broken by hand in five ways, found, mended, sealed and shown.

Everything goes through the commands an operator would type; each is printed before it runs. Exit code 0 only if all
five were found and named, one repair mended them, and a second one had nothing to do.
"""

import argparse
import os
import sys
from datetime import date
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from core.env import PROJECT_ROOT  # noqa: E402  (models need a configured Django)
from deploy.demo import damage, month  # noqa: E402
from deploy.demo.commands import Failed, run, runs_as  # noqa: E402
from payments_ledger.reconciliation.verify import verify  # noqa: E402

FOLDER = PROJECT_ROOT / ".local" / "ledger-tour"
ORDERS = PROJECT_ROOT.parent / "shared" / "data" / "online_retail_2009_2010.parquet"
FIRST_DAY, LAST_DAY = date(2009, 12, 1), date(2009, 12, 31)


def main() -> int:
    parser = argparse.ArgumentParser(prog="ledger-tour", description=__doc__)
    parser.add_argument("--file", type=Path, default=ORDERS, help="a Parquet file with orders of these days")
    parser.add_argument("--from", dest="first_day", type=date.fromisoformat, default=FIRST_DAY, metavar="DAY")
    parser.add_argument("--to", dest="last_day", type=date.fromisoformat, default=LAST_DAY, metavar="DAY")
    options = parser.parse_args()
    if not options.file.is_file():
        print(f"✗ {options.file} is not there. Name a file of orders: make ledger-tour FILE=orders.parquet")
        return 2
    try:
        tour(options.file, options.first_day, options.last_day)
    except Failed as failure:
        print(f"\n✗ {failure}")
        return 1
    print("\n✓ Five kinds of damage: found, named to the key, mended in one pass. The days are sealed.")
    print("The stack is still up. Stop everything:  make down")
    return 0


def tour(orders: Path, first_day: date, last_day: date) -> None:
    """Raises Failed at the first step that does not end as it should."""
    days = ["--from", str(first_day), "--to", str(last_day)]
    headline("A month of orders")
    run("import_orders", str(month.cut_out(orders, first_day, last_day, into=FOLDER)))
    run("ledger", "verify", *days)

    headline("Damage, by hand, in Cassandra")
    done = damage.do_all(first_day=first_day, last_day=last_day)
    for wound in done:
        print(f"  {wound.what}")

    headline("Found")
    runs_as(1, "ledger", "verify", *days)
    report = verify(first_day=first_day, last_day=last_day)
    missed = [wound.what for wound in done if not wound.is_named_in(report)]
    if missed:
        raise Failed(f"verify did not name: {'; '.join(missed)}")

    headline("Mended")
    repair = ["ledger", "repair", *days, "--who", "ledger-tour", "--why", "damage done by hand"]
    run(*repair)
    run("ledger", "verify", *days)
    run(*repair)

    headline("Sealed")
    run("ledger", "seal", "--from", str(first_day), "--through", str(last_day))
    run("ledger", "audit-chain")

    headline("Analysed")
    run("ledger", "export", *days)
    run("ledger", "ask", "revenue_by_country", *days)
    page = FOLDER / "report.html"
    run("ledger", "report", "--html", str(page), *days)
    print(f"Open {page} in a browser.")


def headline(text: str) -> None:
    print(f"\n── {text} " + "─" * (60 - len(text)))


if __name__ == "__main__":
    sys.exit(main())
