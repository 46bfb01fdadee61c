"""What all specs are: frozen, and with an id that covers everything that can change the output."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from components.records import content_id


class Spec(BaseModel):
    """What one step does. `version` is bumped in code when the same parameters begin to give other rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    step: ClassVar[str]
    version: ClassVar[int] = 1
    does_not_matter: ClassVar[frozenset[str]] = frozenset()
    may_be_paths: ClassVar[frozenset[str]] = frozenset()
    """Fields that name a file whose contents are in the id: where it lies may change, so only its name counts."""

    def resolved(self) -> dict[str, Any]:
        """Everything that can change the output, with the contents of the files that are named."""
        return self.model_dump(mode="json", exclude=set(self.does_not_matter)) | dict(self.contents())

    def contents(self) -> Mapping[str, Any]:
        """The contents of named files (templates, rubrics, model cards); read when the id is asked for."""
        return {}

    def file_names(self) -> dict[str, str]:
        """The names alone of the files that are named: for ids, of this spec and of those that have it as a part."""
        return {field: Path(getattr(self, field)).name for field in self.may_be_paths}

    @property
    def id(self) -> str:
        return content_id("spec", self.step, self.version, self.resolved() | self.file_names())
