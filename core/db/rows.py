"""Rows of models in SQL of our own, with the columns taken from the model: a new field needs no second place."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from django.db.models import Field, Model

M = TypeVar("M", bound=Model)


@cache
def fields_of(model: type[Model]) -> tuple[Field[Any, Any], ...]:
    return tuple(model._meta.concrete_fields)


def columns_of(model: type[Model]) -> tuple[str, ...]:
    return tuple(str(field.column) for field in fields_of(model))


def from_json(model: type[M], row: Mapping[str, Any]) -> M:
    """The instance that `to_json(row)` in PostgreSQL describes."""
    values = {field.attname: field.to_python(row[str(field.column)]) for field in fields_of(model)}
    instance = model(**values)
    instance._state.adding = False
    instance._state.db = "default"
    return instance


def insert_of(model: type[Model], prefix: str) -> str:
    """`INSERT INTO … VALUES …` of one row, with the parameters that values_of names."""
    columns = columns_of(model)
    parameters = ", ".join(f"%({prefix}_{column})s" for column in columns)
    return f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) VALUES ({parameters})"


def values_of(instance: Model, prefix: str) -> dict[str, Any]:
    """The parameters of insert_of for this instance, whose fields must hold what the driver can send."""
    return {name: getattr(instance, attribute) for name, attribute in _parameters_of(type(instance), prefix)}


@cache
def _parameters_of(model: type[Model], prefix: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"{prefix}_{field.column}", str(field.attname)) for field in fields_of(model))
