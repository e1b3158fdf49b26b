from django.urls import path

from core.accounts.api import token_views, views

urlpatterns = [
    path("accounts", views.RegisterView.as_view(), name="accounts"),
    path("accounts/me", views.MeView.as_view(), name="me"),
    path("accounts/me/password", views.PasswordView.as_view(), name="password"),
    path("tokens", token_views.SignInView.as_view(), name="tokens"),
    path("tokens/refresh", token_views.RefreshView.as_view(), name="tokens-refresh"),
    path("tokens/revoke", token_views.RevokeView.as_view(), name="tokens-revoke"),
]
