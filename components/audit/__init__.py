"""How far a judge can be trusted: what else than a post's worth moves it, how noisy it is, and whether it drifts.

    material   posts of known levels (probes/*.yaml), and their checks
    plan       which readings an audit asks for: the posts as they are, and each manipulation beside its twin
    asking     the readings, by the judge's own questions, and the choices between two posts, by those of tournaments
    measuring  readings -> an effect of each manipulation
    effects    what an effect is, its interval, its p-value, the alarm
    verdicts   effects in words, and what to do
    planted    judges with a known fault, and a fair one, for the self-test
    anchors    frozen posts, read again in every period; drift: the alarm, and the judge's share of a change

Arrays of scores are questions x repeats x aspects, NaN where there is no score.
"""

from components.audit.material import Material, load_material
from components.audit.spec import AuditSpec

__all__ = ["AuditSpec", "Material", "load_material"]
