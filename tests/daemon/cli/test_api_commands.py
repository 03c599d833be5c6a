"""The commands of an OpenAPI document."""

from __future__ import annotations

from typing import Any

from hecate.daemon.cli.api_commands import Field, commands_below


def document(schema: dict[str, Any], **schemas: dict[str, Any]) -> dict[str, Any]:
    """Return a document with one command of a division and three paths that are none."""
    body = {"content": {"application/json": {"schema": schema}}}
    return {
        "paths": {
            "/api/divisions/{division_id}": {"get": {}},
            "/api/divisions/{division_id}/designs": {"get": {}},
            "/api/divisions/{division_id}/design/aggregate": {"post": {"summary": "Design.", "requestBody": body}},
            "/api/ventures/{venture_id}/archive": {"post": {}},
        },
        "components": {"schemas": schemas},
    }


def test_only_what_is_posted_below_a_subject_is_a_command() -> None:
    """Reads and other subjects' commands are left out; a command without a body has no fields."""
    api = document({})
    assert list(commands_below(api, "/api/divisions")) == ["design/aggregate"]
    assert commands_below(api, "/api/ventures")["archive"].fields == ()


def test_a_command_knows_its_path_for_one_subject() -> None:
    """The id goes where the parameter is."""
    command = commands_below(document({}), "/api/divisions")["design/aggregate"]
    assert command.path_of("div-1") == "/api/divisions/div-1/design/aggregate"
    assert command.verb == "aggregate"


def test_fields_are_found_behind_references_and_choices() -> None:
    """A field's type may stand elsewhere in the document, or be one of several of which one is null."""
    schema = {
        "type": "object",
        "properties": {
            "name": {"$ref": "#/components/schemas/Name"},
            "count": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
            "share": {"type": ["number", "null"]},
            "flags": {"type": "array", "items": {"type": "string"}},
            "any": {},
        },
        "required": ["name"],
    }
    api = document({"$ref": "#/components/schemas/Design"}, Design=schema, Name={"type": "string"})
    assert commands_below(api, "/api/divisions")["design/aggregate"].fields == (
        Field("name", "string", is_required=True),
        Field("count", "integer", is_required=False),
        Field("share", "number", is_required=False),
        Field("flags", "array", is_required=False),
        Field("any", "string", is_required=False),
    )
