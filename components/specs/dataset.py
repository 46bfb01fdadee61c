"""Where items come from."""

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from components.specs.base import Spec


class DatasetSpec(Spec):
    """Where items come from."""

    step: ClassVar[str] = "ingest_items"
    source: Literal["folder", "csv", "parquet", "jsonl", "x_export", "instagram"] = Field(
        title="Source", description="The kind of source; one module in components/items each."
    )
    path: Path = Field(title="Path", description="A file or folder; in a campaign file relative to that file.")
    name: str = Field(default="", title="Name", description="The dataset's name; by default the path's last part.")
    columns: dict[str, str] = Field(
        default_factory=dict,
        title="Columns",
        description="For tables whose columns have other names: item field -> column, e.g. {text: body, image: photo}.",
    )
    timezone: str = Field(
        default="UTC", title="Time zone", description="Of times that carry no offset.", examples=["America/New_York"]
    )
    max_pixels: int = Field(
        default=100_000_000, gt=0, title="Largest picture", description="Width x height; larger ones are quarantined."
    )

    @model_validator(mode="before")
    @classmethod
    def _name_from_path(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("name") and isinstance(data.get("path"), str | Path):
            data = {**data, "name": Path(data["path"]).stem}
        return data
