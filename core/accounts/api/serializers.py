"""Shapes of accounts on the wire."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from rest_framework import serializers

from core.accounts.models import User
from core.api.fields import TextField

# Longer ones are refused before they are hashed, which would cost the server more than the sender.
PASSWORD_CHARACTERS_MAX = 128
TOKEN_CHARACTERS_MAX = 4096


class PasswordField(TextField):
    """A password as it was typed; the same bounds wherever one is sent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=PASSWORD_CHARACTERS_MAX, write_only=True, trim_whitespace=False, **kwargs)


class NewPasswordField(PasswordField):
    """A password to be stored: long enough and not among the common ones."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        password = super().run_validation(data)
        validate_password(password)
        return password


class RegisterSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    password = NewPasswordField()
    country = TextField(max_length=64, required=False, default="", allow_blank=True)


class UserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "email", "country", "created_at"]


class ProfileSerializer(serializers.Serializer[Any]):
    """What may be changed of a user; anything else that is sent is left as it is."""

    country = TextField(max_length=64, allow_blank=True)


class PasswordChangeSerializer(serializers.Serializer[Any]):
    old_password = PasswordField()
    new_password = NewPasswordField()


class SignInSerializer(serializers.Serializer[Any]):
    email = TextField(max_length=254)
    password = PasswordField()


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = TextField(max_length=TOKEN_CHARACTERS_MAX)


class TokenPairSerializer(serializers.Serializer[Any]):
    access = TextField()
    refresh = TextField()
