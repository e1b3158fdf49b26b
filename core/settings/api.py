"""REST framework, tokens and the OpenAPI document."""

from datetime import timedelta
from typing import Any

from core.db.choices import choices_of
from core.env import env
from core.payments.domain.dispute_state import DisputeState
from core.payments.domain.operation_state import OperationState
from core.payments.domain.payment_state import PaymentState
from core.webhooks.domain.delivery_state import DeliveryState

# Proxies of ours before the web process. 0: the connection's own address counts, whatever X-Forwarded-For says.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": ["core.api.rendering.Renderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsing.StrictJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "core.api.openapi.Schema",
    "EXCEPTION_HANDLER": "core.api.problems.exception_handler",
    "DEFAULT_VERSIONING_CLASS": None,
    "NUM_PROXIES": TRUSTED_PROXIES,
    # OPTIONS would show the fields of requests to anybody; the OpenAPI document shows them to who asks for it.
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

SIMPLE_JWT: dict[str, Any] = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=env.int("ACCESS_TOKEN_MINUTES", default=30)),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "UPDATE_LAST_LOGIN": False,
    # Only tokens made for this application, even where others share its key.
    "ISSUER": "countinghouse",
    # Each token carries a digest of the password's hash: a changed password withdraws all of them.
    "CHECK_REVOKE_TOKEN": True,
}

# Requests of one web process that may wait at once for an outcome: half of its threads.
WAITERS_MAX = env.int("WAITERS_MAX", default=4)

# How long an Idempotency-Key counts. Clients may retry for days, so no less than three of them.
IDEMPOTENCY_KEPT_HOURS = max(72, env.int("IDEMPOTENCY_KEPT_HOURS", default=72))

# Attempts to sign in, for each address and account, and the seconds after which they are forgotten.
SIGN_IN_ATTEMPTS_MAX = env.int("SIGN_IN_ATTEMPTS_MAX", default=10)
SIGN_IN_WINDOW_SECONDS = env.int("SIGN_IN_WINDOW_SECONDS", default=300)

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Countinghouse",
    "DESCRIPTION": "Orders and payments whose money can be proved.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "APPEND_COMPONENTS": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
    "ENUM_NAME_OVERRIDES": {
        "PaymentStateEnum": choices_of(PaymentState),
        "OperationStateEnum": choices_of(OperationState),
        "DisputeStateEnum": choices_of(DisputeState),
        "DeliveryStateEnum": choices_of(DeliveryState),
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
