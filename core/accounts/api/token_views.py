"""Signing in and out, and going on with a refresh token."""

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.accounts.api.serializers import RefreshSerializer, SignInSerializer, TokenPairSerializer
from core.accounts.errors import NoActiveAccount, RefreshTokenRefused, TooManyAttempts
from core.accounts.services import tokens
from core.api.caller import address_of
from core.api.declarations import refuses


class SignInView(APIView):
    """Sign in: an access token for requests, a refresh token for the next pair."""

    permission_classes = [AllowAny]
    authentication_classes = []

    @refuses(NoActiveAccount, TooManyAttempts)
    @extend_schema(request=SignInSerializer, responses=TokenPairSerializer)
    def post(self, request: Request) -> Response:
        data = SignInSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        pair = tokens.sign_in(address=address_of(request), **data.validated_data)
        return Response(TokenPairSerializer(pair).data)


class RefreshView(APIView):
    """A new pair for a refresh token, which works once."""

    permission_classes = [AllowAny]
    authentication_classes = []

    @refuses(RefreshTokenRefused)
    @extend_schema(request=RefreshSerializer, responses=TokenPairSerializer)
    def post(self, request: Request) -> Response:
        data = RefreshSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return Response(TokenPairSerializer(tokens.rotate(**data.validated_data)).data)


class RevokeView(APIView):
    """Sign out: the refresh token stops working at once, its access token when it expires."""

    permission_classes = [AllowAny]
    authentication_classes = []

    @refuses(RefreshTokenRefused)
    @extend_schema(request=RefreshSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        data = RefreshSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        tokens.revoke(**data.validated_data)
        return Response(status=204)
