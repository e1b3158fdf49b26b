from django.urls import path

from core.webhooks.api import provider_views

urlpatterns = [
    path("webhooks/<str:provider>", provider_views.ProviderWebhookView.as_view(), name="provider-webhook"),
]
