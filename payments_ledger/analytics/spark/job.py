"""What spark-submit runs: `job.py verify`, `job.py ask QUESTION`. Exit codes are those of `manage.py ledger`."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from payments_ledger.analytics.questions import Question


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one job: 0 done, or the stores agree · 1 they differ · 2 bad input, or a store cannot be read."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    import django

    django.setup()
    from django.core.management.base import CommandError
    from django.db import Error as DatabaseError
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    from payments_ledger.analytics.errors import AnalyticsError

    try:
        return run(parser().parse_args(arguments))
    except (CommandError, AnalyticsError) as error:
        problem = str(error)
    except DatabaseError as error:
        problem = f"PostgreSQL cannot be reached or refuses: {' '.join(str(error).split())}"
    except (Py4JError, PySparkException) as error:
        # Java's stack trace follows the first line, and says nothing to who runs the job.
        problem = f"Spark could not read the ledger: {str(error).strip().splitlines()[0]}"
    sys.stderr.write(f"{problem}\n")
    return 2


def parser() -> argparse.ArgumentParser:
    from payments_ledger.management.actions.console import add_days, add_json

    arguments = argparse.ArgumentParser(prog="job.py", description=__doc__)
    jobs = arguments.add_subparsers(dest="job", required=True)
    verify = jobs.add_parser("verify", help="compare the blocks of both stores")
    ask = jobs.add_parser("ask", help="answer standard questions")
    for job in (verify, ask):
        add_days(job)
        add_json(job)
    ask.add_argument("questions", nargs="*", metavar="QUESTION", help="by name; every one when omitted")
    return arguments


def run(options: argparse.Namespace) -> int:
    """The job that these options name, in a Spark session of its own."""
    from payments_ledger.analytics.questions import question, questions
    from payments_ledger.analytics.spark.cluster import spark_session
    from payments_ledger.management.actions.console import days_of

    first_day, last_day = days_of(vars(options))
    if options.job == "verify":
        with spark_session() as spark:
            return _verify(spark, first_day, last_day, as_json=options.json)
    # A question that is not there is refused before anything is started.
    asked = [question(name) for name in options.questions] or list(questions().values())
    with spark_session() as spark:
        return _ask(spark, asked, first_day, last_day, as_json=options.json)


def _verify(spark: "SparkSession", first_day: date | None, last_day: date | None, *, as_json: bool) -> int:
    from payments_ledger.analytics.spark.verify import verify

    report = verify(spark, first_day=first_day, last_day=last_day)
    _print([json.dumps(report.as_json(), indent=2)] if as_json else report.lines())
    return 0 if report.agrees else 1


def _ask(
    spark: "SparkSession",
    asked: "Sequence[Question]",
    first_day: date | None,
    last_day: date | None,
    *,
    as_json: bool,
) -> int:
    from payments_ledger.analytics.spark.answers import days
    from payments_ledger.analytics.tabular import json_rows, table_lines

    with days(spark, first_day=first_day, last_day=last_day) as held:
        answers = {each: held.ask(each) for each in asked}
    if as_json:
        found = [
            {"question": each.name, "title": each.title, "rows": json_rows(answer.columns, answer.rows)}
            for each, answer in answers.items()
        ]
        _print([json.dumps({"answers": found}, indent=2)])
    else:
        for each, answer in answers.items():
            _print([each.title, *table_lines(answer.columns, answer.rows), ""])
    return 0


def _print(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
