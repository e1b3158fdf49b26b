"""Look after the outbox: doctor tells what is wrong, unpark sends what waits, adopt accepts a topic made anew."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from outbox import broker, doctor
from outbox.consuming import dead_letters
from outbox.consuming.offsets import OffsetStore
from outbox.relay import parking
from outbox.topics import physical_name


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("doctor", help="exit 0 when healthy, 1 with a list of findings")
        unpark = actions.add_parser("unpark", help="ask relay and consumers to go on with parked keys")
        unpark.add_argument("keys", nargs="*", help="aggregate ids; all parked ones when none is given")
        adopt = actions.add_parser("adopt", help="let a group read a topic that was deleted and made again")
        adopt.add_argument("group")
        adopt.add_argument("topic", help="the aggregate type, for example payments.payment")

    def handle(self, *args: Any, **options: Any) -> None:
        actions = {"doctor": self._doctor, "unpark": self._unpark, "adopt": self._adopt}
        actions[options["action"]](options)

    def _doctor(self, options: dict[str, Any]) -> None:
        findings = doctor.examine()
        for finding in findings:
            self.stdout.write(f"{finding.what}\n    {finding.remedy}")
        if findings:
            sys.exit(1)
        self.stdout.write("healthy")

    def _unpark(self, options: dict[str, Any]) -> None:
        keys = options["keys"] or None
        self.stdout.write(f"relay: asked for {parking.request_unpark(keys=keys)} keys")
        self.stdout.write(f"consumers: asked for {dead_letters.request_unpark(keys=keys)} keys")

    def _adopt(self, options: dict[str, Any]) -> None:
        client = broker.admin()
        topic = options["topic"]
        identities = {topic: broker.identities(client, [physical_name(topic)])[physical_name(topic)]}
        forgotten = OffsetStore(options["group"], identities).forget_replaced(topic)
        self.stdout.write(f"forgot {forgotten} offsets of earlier topics; the group reads {topic} from its beginning")
