"""What spark-submit runs: `job.py verify`. Results on standard output; exit codes as those of `manage.py ledger`."""

import argparse
import json
import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one job: 0 done, or the stores agree · 1 they differ · 2 bad input, or a store cannot be read."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    import django

    django.setup()
    from django.core.management.base import CommandError
    from django.db import Error as DatabaseError
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        return run(parser().parse_args(arguments))
    except CommandError as error:
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
    add_days(verify)
    add_json(verify)
    return arguments


def run(options: argparse.Namespace) -> int:
    """The job that these options name, in a Spark session of its own."""
    from payments_ledger.analytics.spark.cluster import spark_session
    from payments_ledger.analytics.spark.verify import verify
    from payments_ledger.management.actions.console import days_of

    first_day, last_day = days_of(vars(options))
    with spark_session() as spark:
        report = verify(spark, first_day=first_day, last_day=last_day)
    text = json.dumps(report.as_json(), indent=2) if options.json else "\n".join(report.lines())
    sys.stdout.write(f"{text}\n")
    return 0 if report.agrees else 1


if __name__ == "__main__":
    sys.exit(main())
