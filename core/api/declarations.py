"""What a view says about itself for the OpenAPI document, beside its request and its answer.

What every endpoint can refuse is not declared: core.api.openapi derives it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from core.errors import AppError

Method = TypeVar("Method", bound=Callable[..., Any])


def refuses(*errors: type[AppError]) -> Callable[[Method], Method]:
    """Name the errors that the method's service may raise."""

    def decorator(method: Method) -> Method:
        method.refusals = errors  # type: ignore[attr-defined]
        return method

    return decorator


def refusals_of(method: Any) -> tuple[type[AppError], ...]:
    """What was named by @refuses."""
    found: tuple[type[AppError], ...] = getattr(method, "refusals", ())
    return found


def data_of(serializer: type[serializers.BaseSerializer[Any]]) -> Any:
    """The shape `{"data": […]}` of a list that is never long enough for pages."""
    name = f"{serializer.__name__.removesuffix('Serializer')}List"
    return inline_serializer(name, fields={"data": serializer(many=True)})
