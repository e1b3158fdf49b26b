from django.urls import path

from core.payments.api import views

urlpatterns = [
    path("wallets", views.WalletListView.as_view(), name="wallets"),
    path("wallets/deposits", views.DepositView.as_view(), name="deposits"),
    path("vouchers", views.VoucherListView.as_view(), name="vouchers"),
    path("vouchers/<str:code>", views.VoucherView.as_view(), name="voucher"),
    path("payments/<uuid:payment_id>", views.PaymentView.as_view(), name="payment"),
    path("payments/<uuid:payment_id>/operations", views.PaymentOperationListView.as_view(), name="payment-operations"),
    path("payments/<uuid:payment_id>/disputes", views.PaymentDisputeListView.as_view(), name="payment-disputes"),
    path("operations/needing-attention", views.AttentionListView.as_view(), name="operations-needing-attention"),
    path("operations/<uuid:operation_id>", views.OperationView.as_view(), name="operation"),
    path("operations/<uuid:operation_id>/resolve", views.ResolveView.as_view(), name="operation-resolve"),
]
