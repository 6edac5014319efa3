"""What can be computed: all of it, or as much of it as is asked for."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

import simulations
from simulations import FieldError

from .base import KnownQuery
from .problems import InvalidQuery
from .query import parameters, read
from .serializers import SimulationSerializer


class OneQuery(BaseModel, extra="forbid"):
    """How much of each is told."""

    fields: list[str] = Field([], max_length=20, description="Only these, `name,title`.")


class CatalogueQuery(OneQuery):
    name: list[str] = Field([], max_length=50, description="Only these, by any of their names.")


class SimulationsView(KnownQuery):
    @extend_schema(
        operation_id="list_simulations",
        parameters=parameters(CatalogueQuery),
        responses=SimulationSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """What can be computed here, each with the JSON schemas of its params and its result."""
        query = read(CatalogueQuery, request)
        found = [_asked(name) for name in query.name] or simulations.all_simulations()
        once = {each.name: each for each in found}
        return Response([_told(each, query) for each in once.values()])


class SimulationView(KnownQuery):
    @extend_schema(
        operation_id="get_simulation",
        parameters=parameters(OneQuery),
        responses=SimulationSerializer,
    )
    def get(self, request: Request, name: str) -> Response:
        """One of them, by any of its names."""
        query = read(OneQuery, request)
        try:
            found = simulations.get(name)
        except KeyError:
            raise exceptions.NotFound(_there_is_none(name), "unknown_simulation") from None
        return Response(_told(found, query))


def _asked(name: str) -> simulations.Simulation:
    try:
        return simulations.get(name)
    except KeyError:
        detail = _there_is_none(name)
        error = FieldError(path=("name",), code="unknown_simulation", detail=detail)
        raise InvalidQuery([error]) from None


def _there_is_none(name: str) -> str:
    known = [each.name for each in simulations.all_simulations()]
    close = get_close_matches(name[:100], known, n=3)
    mend = (
        f"Did you mean {' or '.join(close)}?" if close else f"Expected one of {', '.join(known)}."
    )
    return f"There is no simulation {name[:100]!r} here. {mend}"


def _refuse_unknown(fields: list[str], known: list[str]) -> None:
    for name in fields:
        if name not in known:
            detail = f"A simulation has no field {name[:60]}. It has {', '.join(known)}."
            error = FieldError(path=("fields",), code="unknown_field", detail=detail)
            raise InvalidQuery([error])


def _told(found: simulations.Simulation, query: OneQuery) -> dict[str, Any]:
    """The schemas are made for who wants them alone."""
    told = SimulationSerializer(found)
    _refuse_unknown(query.fields, [*told.fields])
    for name in told.fields.keys() - set(query.fields) if query.fields else ():
        told.fields.pop(name)
    return dict(told.data)
