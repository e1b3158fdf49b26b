"""What browsers are told because the web is reached over TLS, which a machine of one's own says it is not."""

from django.core.exceptions import ImproperlyConfigured

from core.env import env
from core.settings.api import TRUSTED_PROXIES
from core.settings.base import DEBUG

SERVED_OVER_TLS = env.bool("SERVED_OVER_TLS", default=True)
YEAR_SECONDS = 31_536_000

if SERVED_OVER_TLS and DEBUG:
    raise ImproperlyConfigured(
        "DEBUG=true shows source code to whoever causes an error: set DEBUG=false, or SERVED_OVER_TLS=false where only "
        "you reach it."
    )

SECURE_SSL_REDIRECT = SERVED_OVER_TLS
# Whoever runs us asks these from beside us, without TLS.
SECURE_REDIRECT_EXEMPT = ["^livez$", "^readyz$"]
# Believed only where a proxy of ours writes it, and so overwrites what a client sent.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = YEAR_SECONDS if SERVED_OVER_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SERVED_OVER_TLS
SECURE_HSTS_PRELOAD = SERVED_OVER_TLS
SESSION_COOKIE_SECURE = SERVED_OVER_TLS
CSRF_COOKIE_SECURE = SERVED_OVER_TLS
