"""Webhooks on the wire."""

from typing import Any

from rest_framework import serializers

from core.api.fields import TextField


class ProviderEventSerializer(serializers.Serializer[Any]):
    """What a provider sends; `data` depends on `type`."""

    id = TextField(max_length=255)
    type = TextField(max_length=64)
    created_at = serializers.DateTimeField()
    data = serializers.DictField()  # type: ignore[assignment]  # REST framework takes fields out of the class
