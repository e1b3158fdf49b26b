"""Shapes of accounts on the wire."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from rest_framework import serializers

from core.accounts.models import User


class RegisterSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=128, write_only=True, trim_whitespace=False)
    country = serializers.CharField(max_length=64, required=False, default="")

    def validate_password(self, value: str) -> str:
        validate_password(value)
        return value


class UserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "email", "country", "created_at"]
