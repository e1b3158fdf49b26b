from django.urls import path

from core.webhooks.api import endpoint_views, provider_views

urlpatterns = [
    path("webhooks/<str:provider>", provider_views.ProviderWebhookView.as_view(), name="provider-webhook"),
    path("webhook-endpoints", endpoint_views.EndpointListView.as_view(), name="webhook-endpoints"),
    path("webhook-endpoints/<uuid:endpoint_id>", endpoint_views.EndpointView.as_view(), name="webhook-endpoint"),
    path("webhook-deliveries", endpoint_views.DeliveryListView.as_view(), name="webhook-deliveries"),
    path("webhook-deliveries/<uuid:delivery_id>", endpoint_views.DeliveryView.as_view(), name="webhook-delivery"),
    path("webhook-deliveries/<uuid:delivery_id>/replay", endpoint_views.ReplayView.as_view(), name="webhook-replay"),
]
