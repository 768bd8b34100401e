"""The page of the JSON API: every address with its parameters, from its own OpenAPI description, without a script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from tradewinds.serve.render import favicon, shown

router = APIRouter(default_response_class=HTMLResponse)


class Parameter(NamedTuple):
    """A parameter of an address: its name, what it may be, whether it must be given, and what it means."""

    name: str
    kind: str
    is_required: bool
    meaning: str


class Address(NamedTuple):
    """An address of the API: its path, what it does, its parameters, and the kinds of its answers by status."""

    path: str
    summary: str
    parameters: list[Parameter]
    answers: list[tuple[str, str]]


@router.get("/docs")
def api_docs(request: Request) -> Response:
    """Show what the API offers."""
    found = [_address(path, methods["get"]) for path, methods in request.app.openapi()["paths"].items()]
    return shown("api", addresses=found)


@router.get("/favicon.ico")
def icon() -> Response:
    """Send the sign of these pages to browsers that ask for it unasked."""
    return favicon()


def _address(path: str, described: Mapping[str, Any]) -> Address:
    """Return an address from its description."""
    parameters = [
        Parameter(one["name"], _kind(one["schema"]), bool(one.get("required")), one.get("description", ""))
        for one in described.get("parameters", ())
    ]
    answers = [(status, answer["description"]) for status, answer in described["responses"].items()]
    return Address(path, described.get("description") or described["summary"], parameters, answers)


def _kind(schema: Mapping[str, Any]) -> str:
    """Return what a value may be, in words."""
    if options := schema.get("anyOf"):
        return " or ".join(_kind(option) for option in options)
    if values := schema.get("enum"):
        return ", ".join(map(str, values))
    words = [str(schema.get("format") or schema.get("type", "anything"))]
    words += [f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema]
    return " ".join(words) + (f" (else {schema['default']})" if schema.get("default") is not None else "")
