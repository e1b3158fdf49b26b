"""Composition root of the web process."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from core.api import health
from core.api.metrics import metrics_of
from core.payments import metrics as payment_metrics
from outbox import metrics as outbox_metrics
from payments_ledger import metrics as ledger_metrics

V1 = "api/v1/"
METRICS = [outbox_metrics.collect, payment_metrics.collect, ledger_metrics.collect]

urlpatterns = [
    # The orders first: a request is matched against one pattern after the other, and checkouts must be quick.
    path(V1, include("core.orders.api.urls")),
    path("", RedirectView.as_view(pattern_name="swagger"), name="home"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics_of(*METRICS), name="metrics"),
    path("admin/", admin.site.urls),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="swagger"),
    path("api/redoc", SpectacularRedocView.as_view(url_name="schema"), name="redoc"),
    path(V1, include("core.accounts.api.urls")),
    path(V1, include("core.catalog.api.urls")),
    path(V1, include("core.payments.api.urls")),
    path(V1, include("core.webhooks.api.urls")),
    path(V1, include("payments_ledger.api.urls")),
]

handler400 = "core.api.problems.bad_request"
handler403 = "core.api.problems.forbidden"
handler404 = "core.api.problems.not_found"
handler500 = "core.api.problems.server_error"
