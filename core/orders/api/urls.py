from django.urls import path

from core.orders.api import views

urlpatterns = [
    path("orders", views.OrderListView.as_view(), name="orders"),
    path("orders/<uuid:order_id>", views.OrderView.as_view(), name="order"),
    path("orders/<uuid:order_id>/checkout", views.CheckoutView.as_view(), name="checkout"),
]
