"""Settings, one concern a module. Environments differ by variables (see .env.example), not by files."""

from core.settings.api import *  # noqa: F403
from core.settings.base import *  # noqa: F403
from core.settings.caches import *  # noqa: F403
from core.settings.cassandra import *  # noqa: F403
from core.settings.celery import *  # noqa: F403
from core.settings.databases import *  # noqa: F403
from core.settings.failpoints import *  # noqa: F403
from core.settings.kafka import *  # noqa: F403
from core.settings.observability import *  # noqa: F403
from core.settings.payments import *  # noqa: F403
from core.settings.tls import *  # noqa: F403
from core.settings.webhooks import *  # noqa: F403
