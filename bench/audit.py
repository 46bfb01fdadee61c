"""How often the audit is right about planted judges, and the anchors' alarm about judges that drift or do not.

    .venv/bin/python bench/audit.py --runs 1000

No server, no key: planted judges are asked at the level of answers (components/audit/planted.py), each run with another
taste and other noise. Figures are in bench/README.md.
"""

import argparse
import time

import numpy as np

from components.audit.drift import drift_of
from components.audit.effects import RULES
from components.audit.planted import FAULTS
from components.audit.self_test import planted_plan, simulate
from components.specs import AnchorSpec

PERIODS, CHANGES_AFTER, SHIFT = 50, 10, 0.7


def audits(runs: int) -> None:
    """Per planted judge: how often its fault was seen, and how often each probe raised an alarm, in per cent."""
    plan = planted_plan()
    probes = [probe for probe in RULES if probe != "own_family"]
    readings = sum(question.repeats for question in plan.questions)
    print(f"audits: {runs} runs each, {readings} readings, {2 * len(plan.pairs)} comparisons")
    print("judge            right  " + "  ".join(f"{probe[:9]:>9}" for probe in probes))
    for name in FAULTS:
        seen = simulate(name, range(runs), plan)
        shares = "  ".join(f"{100 * seen.alarms[probe] / runs:>8.1f}%" for probe in probes)
        print(f"{name:<16} {100 * seen.good / runs:5.1f}%  {shares}")
        print(f"{'  mean effect':<24}" + "  ".join(f"{seen.means.get(probe, float('nan')):>9.2f}" for probe in probes))


def drifts(runs: int) -> None:
    """Per noise of a reading: alarms in 50 stable periods, and how soon a shift of 0.7 points is found."""
    spec = AnchorSpec()
    print(f"\ndrift: {runs} series of {PERIODS} periods, {spec.count} anchors, baseline {spec.baseline}")
    print("noise of a reading, of a period   false alarms   shift of 0.7 found   after periods: median, 95 %")
    for noise, common in ((0.2, 0.0), (0.5, 0.0), (1.0, 0.0), (0.5, 0.1), (0.5, 0.2)):
        false, delays = 0, []
        for seed in range(runs):
            for shift in (0.0, SHIFT):
                drift = drift_of(series(seed, shift, noise, common, spec.count), spec)
                if shift:
                    delays.append(drift.alarm_at - CHANGES_AFTER + 1 if drift.alarm_at is not None else np.inf)
                else:
                    false += drift.alarm_at is not None
        found = [delay for delay in delays if np.isfinite(delay) and delay > 0]
        median, late = np.quantile(found, [0.5, 0.95])
        print(
            f"{noise:.1f}, {common:.1f}{'':24} {100 * false / runs:8.1f} % {100 * len(found) / runs:16.1f} %"
            f"{median:20.0f}, {late:.0f}"
        )


def series(seed: int, shift: float, noise: float, common: float, anchors: int) -> list[dict[str, object]]:
    rng = np.random.default_rng(seed)
    scores = rng.uniform(2, 9, anchors) + rng.normal(0, noise, (PERIODS, anchors)) + rng.normal(0, common, (PERIODS, 1))
    scores[CHANGES_AFTER:] += shift
    scores = np.round(scores * 8) / 8  # means of four scores in half steps
    return [
        {"anchor_id": f"a{k:03}", "period": f"{p:03}", "overall": float(scores[p, k])}
        for p in range(PERIODS)
        for k in range(anchors)
    ]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--runs", type=int, default=1000)
    runs, begun = words.parse_args().runs, time.perf_counter()
    audits(runs)
    drifts(runs)
    print(f"\n{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
