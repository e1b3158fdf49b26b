from django.urls import path

from payments_ledger.api import views

urlpatterns = [
    path("ledger/orders/<uuid:order_id>/payments", views.OrderPaymentsView.as_view(), name="ledger-order-payments"),
]
