"""The audit of judges whose faults are known: whether it sees each of them, and leaves the fair one alone."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.audit.asking import ask
from components.audit.effects import Effect
from components.audit.material import load_material
from components.audit.measuring import measure
from components.audit.plan import Plan, plan_audit
from components.audit.planted import FAULTS, PREFIX, answers, raised
from components.audit.spec import AuditSpec
from components.judgments.rubric import load_rubric
from components.specs import JudgeSpec


@dataclass(frozen=True, slots=True)
class Tested:
    """One planted judge: its effects, and whether the alarms are those that its fault has to raise."""

    name: str
    says: str
    effects: list[Effect]
    good: bool

    @property
    def alarms(self) -> list[str]:
        return [effect.probe for effect in self.effects if effect.alarm]


def planted_plan(repeats: int = 2) -> Plan:
    judge = JudgeSpec()
    return plan_audit(load_material(), load_rubric(judge.rubric), judge.batch_context, repeats)


async def self_test(
    folder: Path, names: Sequence[str] = (*FAULTS,), told: Callable[[str], None] = lambda _: None
) -> list[Tested]:
    """Audits planted judges through the whole engine: prompts, journal (in `folder`), replies, parsing."""
    from components.chat import ChatOutcome, ChatRequest, Journal, Ledger, buy

    journal, found = Journal(folder), list[Tested]()
    for name in names:
        spec = AuditSpec(judge=JudgeSpec(model=f"offline/{PREFIX}{name}"))

        async def bought(requests: Sequence[ChatRequest], spec: AuditSpec = spec) -> list[ChatOutcome]:
            return await buy(
                requests, spec=spec.judge, api_key=None, journal=journal, ledger=Ledger(0.0), run_id="self-test"
            )

        plan = planted_plan(spec.repeats)
        effects = measure(plan, await ask(plan, spec, bought))
        alarms = [effect.probe for effect in effects if effect.alarm]
        found.append(Tested(name, FAULTS[name].says, effects, raised(alarms, name)))
        told(name)
    return found


@dataclass(frozen=True, slots=True)
class Simulated:
    """Over `runs` seeds: how often each probe raised an alarm, how often the alarms were those that had to be."""

    name: str
    runs: int
    alarms: Counter[str]
    good: int
    means: dict[str, float]


def simulate(name: str, seeds: Sequence[int], plan: Plan | None = None) -> Simulated:
    """The planted judge at the level of answers, with another taste and other noise for each seed."""
    plan, alarms, good = plan or planted_plan(), Counter[str](), 0
    sums: dict[str, float] = {}
    for seed in seeds:
        effects = measure(plan, answers(plan, name, seed))
        raised_here = [effect.probe for effect in effects if effect.alarm]
        alarms.update(raised_here)
        good += raised(raised_here, name)
        for effect in effects:
            if effect.value is not None:
                sums[effect.probe] = sums.get(effect.probe, 0.0) + effect.value
    return Simulated(name, len(seeds), alarms, good, {probe: total / len(seeds) for probe, total in sums.items()})
