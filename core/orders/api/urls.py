from django.urls import path

from core.orders.api import fulfilment_views, line_views, payment_views, views

urlpatterns = [
    path("orders", views.OrderListView.as_view(), name="orders"),
    path("orders/<uuid:order_id>", views.OrderView.as_view(), name="order"),
    path("orders/<uuid:order_id>/lines", line_views.LineListView.as_view(), name="lines"),
    path("orders/<uuid:order_id>/lines/<uuid:line_id>", line_views.LineView.as_view(), name="line"),
    path("orders/<uuid:order_id>/checkout", views.CheckoutView.as_view(), name="checkout"),
    path("orders/<uuid:order_id>/payments", payment_views.OrderPaymentsView.as_view(), name="order-payments"),
    path("orders/<uuid:order_id>/cancel", fulfilment_views.CancelView.as_view(), name="order-cancel"),
    path("orders/<uuid:order_id>/ship", fulfilment_views.ShipView.as_view(), name="order-ship"),
    path("payments/<uuid:payment_id>/capture", payment_views.CaptureView.as_view(), name="payment-capture"),
    path("payments/<uuid:payment_id>/void", payment_views.VoidView.as_view(), name="payment-void"),
    path("payments/<uuid:payment_id>/refunds", payment_views.RefundView.as_view(), name="payment-refunds"),
    path("disputes/<uuid:dispute_id>/evidence", payment_views.EvidenceView.as_view(), name="dispute-evidence"),
]
