"""The classes of the server's answers are those of docs/openapi.json."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from conftest import REPOSITORY

import baton
from baton import types


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    path = REPOSITORY / "docs" / "openapi.json"
    if not path.is_file():
        pytest.skip("docs/openapi.json is not beside these tests")
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


CLASSES = [types.HardwareClass, types.ClassPresence, types.Change, types.Stay, types.JobError, types.VerifiedSpan, types.Verification, types.JobView, types.Why, types.ChainLine, types.Problem, types.Boundary]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_class_has_the_fields_of_its_schema(kind: type, document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    schema = schemas["ChainEntry" if kind is types.Boundary else kind.__name__]
    fields = {field.name.rstrip("_"): field for field in dataclasses.fields(kind)}
    assert set(fields) == set(schema["properties"])
    required = {name for name, field in fields.items() if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING}
    assert required == set(schema["required"])
    hints = {name.rstrip("_"): hint for name, hint in get_type_hints(kind).items()}
    for name, property in schema["properties"].items():
        assert described(hints[name]) == expected(property, schemas), name


def described(hint: Any) -> Any:
    """A type hint in the words of a JSON schema."""
    if type(None) in get_args(hint):
        return ("or null", described(next(choice for choice in get_args(hint) if choice is not type(None))))
    if get_origin(hint) is list:
        return ("array", described(get_args(hint)[0]))
    if get_origin(hint) is Literal:
        return ("enum", *get_args(hint))
    if hint is types.Boundary:
        return ("object", "ChainEntry")
    if dataclasses.is_dataclass(hint):
        return ("object", hint.__name__)  # type: ignore[union-attr]
    return {int: "integer", str: "string", float: "number", bool: "boolean"}[hint]


def expected(property: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A property of the document in the same words."""
    if "oneOf" in property:
        return ("or null", expected(property["oneOf"][0], schemas))
    if "$ref" in property:
        name = property["$ref"].rsplit("/", 1)[1]
        schema = schemas[name]
        return ("object", name) if schema["type"] == "object" else expected(schema, schemas)
    if "enum" in property:
        return ("enum", *property["enum"])
    kind = property["type"]
    if isinstance(kind, list):
        return ("or null", kind[0])
    if kind == "array":
        return ("array", expected(property["items"], schemas))
    return kind


def test_every_path_that_the_client_asks_is_one_of_the_document(document: dict[str, Any]) -> None:
    paths = {
        ("get", "/v1/jobs"), ("get", "/v1/jobs/{job}"), ("get", "/v1/jobs/{job}/why"), ("get", "/v1/jobs/{job}/chain"),
        ("get", "/v1/jobs/{job}/events"), ("post", "/v1/jobs/{job}/cancel"), ("post", "/v1/jobs/{job}/hold"),
        ("post", "/v1/jobs/{job}/release"), ("put", "/v1/jobs/{job}/priority"),
    }  # fmt: skip
    assert paths <= {(method, path) for path, methods in document["paths"].items() for method in methods}


def test_an_answer_that_does_not_fit_names_its_field() -> None:
    change = {"at_ms": 1, "state": "running", "reason": "", "new": "of a newer server"}
    assert types.decode(types.Change, change) == types.Change(1, "running", "")
    why = {"job": 1, "state": "running", "sentence": "", "changes": [change, {**change, "at_ms": "1"}]}
    with pytest.raises(baton.ServerError, match=r"Why.changes\[1\].at_ms: found '1', expected int"):
        types.decode(types.Why, why)
    with pytest.raises(baton.ServerError, match="Change: has no 'reason'"):
        types.decode(types.Change, {"at_ms": 1, "state": "running"})
    with pytest.raises(baton.ServerError, match="at_ms: found True, expected int"):
        types.decode(types.Change, {**change, "at_ms": True})
    with pytest.raises(baton.ServerError, match=r"found \[\], expected Change"):
        types.decode(types.Change, [])
