from django.urls import path
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from core.accounts.api import views

urlpatterns = [
    path("accounts", views.RegisterView.as_view(), name="accounts"),
    path("accounts/me", views.MeView.as_view(), name="me"),
    path("tokens", TokenObtainPairView.as_view(), name="tokens"),
    path("tokens/refresh", TokenRefreshView.as_view(), name="tokens-refresh"),
]
