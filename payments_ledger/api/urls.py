from django.urls import path

from payments_ledger.api import balance_views, seal_views, settlement_views, verification_views, views

urlpatterns = [
    path("ledger/orders/<uuid:order_id>/payments", views.OrderPaymentsView.as_view(), name="ledger-order-payments"),
    path("ledger/payments", views.PaymentListView.as_view(), name="ledger-payments"),
    path("ledger/payments/<uuid:payment_id>", views.PaymentRecordView.as_view(), name="ledger-payment"),
    path(
        "ledger/provider-references/<str:provider>/<path:reference>",
        views.ProviderReferenceView.as_view(),
        name="ledger-provider-reference",
    ),
    path(
        "ledger/accounts/<str:account>/balance",
        balance_views.AccountBalanceView.as_view(),
        name="ledger-account-balance",
    ),
    path("ledger/balances", balance_views.TrialBalanceView.as_view(), name="ledger-balances"),
    path("ledger/verifications", verification_views.VerificationListView.as_view(), name="ledger-verifications"),
    path("ledger/seals", seal_views.SealListView.as_view(), name="ledger-seals"),
    path("ledger/totals", seal_views.DayTotalsView.as_view(), name="ledger-totals"),
    path("ledger/completeness", seal_views.CompletenessView.as_view(), name="ledger-completeness"),
    path(
        "ledger/settlement-breaks",
        settlement_views.SettlementBreakListView.as_view(),
        name="ledger-settlement-breaks",
    ),
    path(
        "ledger/settlement-breaks/<uuid:break_id>/resolve",
        settlement_views.ResolveSettlementBreakView.as_view(),
        name="ledger-settlement-break-resolve",
    ),
]
