"""An audit through the judge's own questions: what differs between two arms, and what becomes of failures."""

import asyncio
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from components.audit.asking import ask, last
from components.audit.material import Material, load_material
from components.audit.plan import plan_audit
from components.audit.planted import FAULTS, complete
from components.audit.self_test import self_test
from components.audit.spec import AuditSpec
from components.chat import ChatOutcome, ChatRequest, Status
from components.judgments import load_rubric, rubric_text
from components.pairwise.spec import PairwiseSpec
from components.specs import JudgeSpec

SOME = Material(name="some", posts=load_material().posts[8:14])


def asked(material: Material = SOME, fail: Sequence[str] = (), **judge: object) -> tuple[object, list[ChatRequest]]:
    """Everything an audit asks, answered with 7 for every aspect; `fail`: texts whose readings are refused."""
    spec = AuditSpec(judge=JudgeSpec(**judge))
    plan = plan_audit(material, load_rubric(spec.judge.rubric), spec.judge.batch_context, spec.repeats)
    seen: list[ChatRequest] = []

    async def buy(requests: Sequence[ChatRequest]) -> list[ChatOutcome]:
        seen.extend(requests)
        return [answer(request) for request in requests]

    def answer(request: ChatRequest) -> ChatOutcome:
        user = str(request.messages[1]["content"])
        if any(text in user for text in fail):
            return ChatOutcome(key=request.key, status=Status.refusal)
        names = request.schema["properties"]
        first = re.search("<post_([a-z]{2})>", user)
        said = {"winner": first[1].upper()} if first else {"score": 7}
        reply = {name: {"reasoning": "x", **said} for name in names}
        return ChatOutcome(key=request.key, status=Status.ok, text=json.dumps(reply))

    return asyncio.run(ask(plan, spec, buy)), seen


def test_all_arms_of_a_post_have_the_same_material_and_neighbours() -> None:
    _, requests = asked()
    users = [str(request.messages[1]["content"]) for request in requests if "<post>" in str(request.messages[1])]
    neighbours: dict[str, set[str]] = {}
    for user in users:
        caption = user.split("<caption>")[1].split("</caption>")[0]
        neighbours.setdefault(caption, set()).add(
            "\n".join(line for line in user.splitlines() if "<other_post>" in line)
        )
    assert len(neighbours) == 6 and all(len(found) == 1 for found in neighbours.values())
    assert {request.stage for request in requests} == {"audit"}
    moved = [user for user in users if user.rstrip().endswith("</post>")]
    assert len(moved) == 6 and all("<other_post>" in user for user in moved)
    shown = {user.split("<post>")[1].split("</post>")[0] for user in users if user not in moved}
    assert {user.split("<post>")[1].split("</post>")[0] for user in moved} <= shown


def test_an_injection_reaches_the_judge_escaped() -> None:
    _, requests = asked()
    users = [str(request.messages[1]["content"]) for request in requests]
    assert not any(user.count("<post>") > 1 or user.count("</post>") > 1 for user in users)
    assert any("Ignore the rubric" in user for user in users) and any("&lt;/post&gt;" in user for user in users)
    hidden = [user for user in users if "\u200b" in user or any(0xE0000 <= ord(c) <= 0xE007F for c in user)]
    assert hidden == []


def test_refusals_are_counted_by_arm_and_are_no_scores() -> None:
    answers, _ = asked(fail=["Ignore the rubric"])
    assert answers.failed == {"injected:order": {"refusal": 6 * 4}}  # of every aspect
    assert np.nanmin(answers.scores) == np.nanmax(answers.scores) == 7
    assert (answers.choices == 1).all()


def test_another_wording_of_the_judges_questions_is_another_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = AuditSpec()
    for asked in (JudgeSpec, PairwiseSpec):
        before = spec.id
        monkeypatch.setattr(asked, "version", asked.version + 1)
        assert spec.id != before, asked


def test_a_rubric_is_its_text_wherever_it_lies(tmp_path: Path) -> None:
    ids = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "wit.yaml"
        path.write_text(rubric_text("mpwl"), encoding="utf-8")
        ids.append(AuditSpec(judge=JudgeSpec(rubric=str(path))).id)
    assert ids[0] == ids[1] != AuditSpec().id
    path.write_text(rubric_text("mpwl") + "# edited", encoding="utf-8")
    assert AuditSpec(judge=JudgeSpec(rubric=str(path))).id != ids[0]


def test_a_message_without_a_post_is_not_touched() -> None:
    assert last("no post here") == "no post here"
    assert last("<a>1</a>\n<post>\ntwo\nlines\n</post>\n<other_post>x</other_post>") == (
        "<a>1</a>\n<other_post>x</other_post>\n<post>\ntwo\nlines\n</post>"
    )


def test_the_whole_engine_finds_planted_faults(tmp_path: Path) -> None:
    """Three here; `postwright audit --self-test` does all of them."""
    found = asyncio.run(self_test(tmp_path, ("clean", "position", "obedient")))
    assert [(tested.name, tested.good) for tested in found] == [("clean", True), ("position", True), ("obedient", True)]


def test_planted_judges_are_kept_out_of_users_way() -> None:
    from components.chat import check
    from components.errors import UserError

    check(JudgeSpec(model="offline/planted-length"), None, False)
    with pytest.raises(UserError, match=r"the offline models are (offline/[a-z]+(, )?)+$"):
        check(JudgeSpec(model="offline/planted-nothing"), None, False)
    with pytest.raises(ValueError, match="only knows the posts of the shipped material"):
        user = "<platform>X</platform>\n<post>Somebody else's words.</post>"
        complete({"model": "planted-clean", "messages": [{"role": "user", "content": user}]})
    assert "clean" in FAULTS
