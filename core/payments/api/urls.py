from django.urls import path

from core.payments.api import views

urlpatterns = [
    path("wallets", views.WalletListView.as_view(), name="wallets"),
    path("wallets/deposits", views.DepositView.as_view(), name="deposits"),
    path("payments/<uuid:payment_id>", views.PaymentView.as_view(), name="payment"),
]
