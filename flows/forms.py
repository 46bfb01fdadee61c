"""Parameters of flows as the forms of the Prefect UI show them.

Prefect takes a parameter's name for its title, and its description from the docstring, unless the schema says
otherwise.
"""

from typing import Any

from pydantic import Field


def form_field(title: str, description: str = "", **bounds: Any) -> Any:
    """A field for `Annotated`, with its title and description where the form looks for them."""
    told: dict[str, Any] = {"title": title} | ({"description": description} if description else {})
    return Field(title=title, description=description or None, json_schema_extra=told, **bounds)
