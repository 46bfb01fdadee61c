"""What an audit is: of which judge, with which posts, how often each is read."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from components.audit.material import SHIPPED
from components.pairwise.spec import OFFLINE, PairwiseSpec
from components.specs import ChatSpec, JudgeSpec, Spec


class AuditSpec(Spec):
    """Which judge is audited, and with what."""

    step: ClassVar[str] = "audit_judge"
    may_be_paths: ClassVar[frozenset[str]] = frozenset({"posts"})
    judge: JudgeSpec = Field(
        default=JudgeSpec(),
        title="Judge",
        description="Whose faults are looked for: model, rubric, settings, as in a campaign.",
    )
    posts: str = Field(default=SHIPPED, title="Posts of known levels", description="shipped, or the path of a file.")
    repeats: int = Field(default=2, ge=2, le=10, title="Readings per post", description="Of the posts as they are.")

    def resolved(self) -> dict[str, Any]:
        """Of the judge all that changes an answer, the versions of its wordings too; how often it reads in a campaign
        does not."""
        judge = self.reading(1)
        versions = {"reading": judge.version, "comparing": self.comparing().version}
        return super().resolved() | {"judge": judge.resolved() | judge.file_names(), **versions}

    def contents(self) -> Mapping[str, Any]:
        from components.audit.material import manipulations_text, material_text

        return {"posts_text": material_text(self.posts), "manipulations_text": manipulations_text()}

    def reading(self, repeats: int) -> JudgeSpec:
        """The judge as it is asked here: live, since an audit is a few hundred calls that somebody waits for."""
        return self.judge.model_copy(update={"repeats": repeats, "mode": "live"})

    def comparing(self) -> PairwiseSpec:
        """The same model where two posts are compared; offline that is another program."""
        chat = {name: getattr(self.reading(1), name) for name in ChatSpec.model_fields}
        if self.judge.model == "offline/judge":
            chat["model"] = OFFLINE
        return PairwiseSpec(**chat, rubric=self.judge.rubric)
