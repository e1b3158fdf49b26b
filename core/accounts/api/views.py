"""Registration and the signed-in user."""

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.accounts.api.serializers import (
    PasswordChangeSerializer,
    ProfileSerializer,
    RegisterSerializer,
    TokenPairSerializer,
    UserSerializer,
)
from core.accounts.errors import EmailReserved, EmailTaken, TooManyAttempts, WrongPassword
from core.accounts.services import profile, registration, tokens
from core.api.caller import address_of, caller, caller_id
from core.api.declarations import refuses


class RegisterView(APIView):
    """Make an account."""

    permission_classes = [AllowAny]
    authentication_classes = []

    @refuses(EmailTaken, EmailReserved)
    @extend_schema(request=RegisterSerializer, responses={201: UserSerializer})
    def post(self, request: Request) -> Response:
        data = RegisterSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        user = registration.register(**data.validated_data)
        return Response(UserSerializer(user).data, status=201)


class MeView(APIView):
    """The signed-in user."""

    @extend_schema(responses=UserSerializer)
    def get(self, request: Request) -> Response:
        return Response(UserSerializer(caller(request)).data)

    @extend_schema(request=ProfileSerializer, responses=UserSerializer)
    def patch(self, request: Request) -> Response:
        data = ProfileSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        user = profile.change_country(user_id=caller_id(request), **data.validated_data)
        return Response(UserSerializer(user).data)


class PasswordView(APIView):
    """Change the password: every token given out before stops working, and the answer has a new pair."""

    @refuses(WrongPassword, TooManyAttempts)
    @extend_schema(request=PasswordChangeSerializer, responses=TokenPairSerializer)
    def post(self, request: Request) -> Response:
        data = PasswordChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        user = profile.change_password(user_id=caller_id(request), address=address_of(request), **data.validated_data)
        return Response(TokenPairSerializer(tokens.pair_for(user)).data)
