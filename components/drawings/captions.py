"""Reference captions of a plan: lower case, one sentence, naming what the picture shows."""

import numpy as np

from components.drawings.plan import Plan
from components.drawings.vocabulary import subject_of

LONGEST = 16
"""Words in the longest caption; longer draws are drawn again."""

_COUNTS = {2: "two", 3: "three"}

_PLACES: dict[str, tuple[str, ...]] = {
    "beach": ("on a beach", "at the beach", "on a sandy beach", "on a beach by the sea"),
    "mountains": ("in the mountains", "in front of the mountains", "near snowy mountains", "with mountains behind"),
    "forest": ("in a forest", "in the forest", "on a forest path", "among the trees of a forest"),
    "snow": ("in the snow", "on the snow", "in deep snow", "on a hill covered in snow"),
    "desert": ("in the desert", "in a sandy desert", "among the dunes of a desert", "in a wide desert"),
    "field": ("in a field", "in a green field", "in the middle of a field", "in a field near a farm"),
    "lake": ("on a lake", "at the lake", "on a calm lake", "at a lake below the hills"),
    "harbour": ("in a harbour", "at the harbour", "in a small harbour", "in a harbour with colourful houses"),
    "city by day": ("in a city by day", "in the city by day", "on a street in the city by day"),
    "city by night": ("in a city by night", "in the city by night", "on a street in the city by night"),
    "stadium": ("in a stadium", "at the stadium", "on the grass of a stadium", "in a large stadium"),
    "kitchen": ("in a kitchen", "in the kitchen", "on a table in a kitchen", "in a cosy kitchen"),
    "cafe": ("in a cafe", "at a cafe", "at a table in a cafe", "in a small cafe"),
    "concert": ("at a concert", "on stage at a concert", "at a concert in front of a crowd"),
}
_SCENES: dict[str, tuple[str, ...]] = {
    "beach": ("a beach", "a sandy beach", "a quiet beach"),
    "mountains": ("snowy mountains", "high mountains", "a meadow below the mountains"),
    "forest": ("a forest", "a deep forest", "a path through a forest"),
    "snow": ("a landscape of snow", "a hill covered in snow", "a field of snow"),
    "desert": ("a desert", "a desert of sand", "a wide desert"),
    "field": ("a field", "a wide field", "a field with a fence"),
    "lake": ("a lake", "a calm lake", "a lake below the hills"),
    "harbour": ("a harbour", "a small harbour", "a harbour with colourful houses"),
    "city by day": ("a city by day", "a view of a city by day", "a city by day"),
    "city by night": ("a city by night", "a view of a city by night", "a city by night"),
    "stadium": ("a stadium", "a large stadium", "the inside of a stadium"),
    "kitchen": ("a kitchen", "a cosy kitchen", "the inside of a kitchen"),
    "cafe": ("a cafe", "a small cafe", "the inside of a cafe"),
    "concert": ("a concert", "a concert stage", "the stage of a concert"),
}
_WHEN: dict[tuple[str, str], tuple[str, ...]] = {
    ("morning", "clear"): ("on a clear morning", "in the morning", "in soft morning light"),
    ("morning", "cloudy"): ("on a cloudy morning", "in the morning under grey clouds"),
    ("morning", "rain"): ("on a rainy morning", "in the rain in the morning"),
    ("morning", "fog"): ("on a foggy morning", "in the morning fog"),
    ("morning", "snowfall"): ("on a snowy morning", "in the morning as snow falls"),
    ("day", "clear"): ("on a sunny day", "under a clear blue sky", "in bright daylight"),
    ("day", "cloudy"): ("on a cloudy day", "under a grey cloudy sky"),
    ("day", "rain"): ("on a rainy day", "in the rain", "during heavy rain"),
    ("day", "fog"): ("on a foggy day", "in thick fog"),
    ("day", "snowfall"): ("on a snowy day", "as snow falls"),
    ("sunset", "clear"): ("at sunset", "under an orange sunset sky", "at sunset under a clear sky"),
    ("sunset", "cloudy"): ("at sunset under a cloudy sky", "at a cloudy sunset"),
    ("sunset", "rain"): ("at sunset in the rain", "at a rainy sunset"),
    ("sunset", "fog"): ("at sunset in the fog", "at a foggy sunset"),
    ("sunset", "snowfall"): ("at sunset as snow falls", "at a snowy sunset"),
    ("night", "clear"): ("at night", "on a clear night", "at night under the stars"),
    ("night", "cloudy"): ("on a cloudy night", "at night under dark clouds"),
    ("night", "rain"): ("on a rainy night", "at night in the rain"),
    ("night", "fog"): ("on a foggy night", "at night in the fog"),
    ("night", "snowfall"): ("on a snowy night", "at night as snow falls"),
}
_UNDER_ROOFS = {  # indoors the weather is seen through the window
    "clear": "with clear sky outside",
    "cloudy": "with clouds outside",
    "rain": "with rain outside",
}
_IN_CITY = {  # the label already says day or night
    "clear": ("under a clear sky", "in clear weather"),
    "cloudy": ("under a cloudy sky", "under grey clouds"),
    "rain": ("in the rain", "on a rainy street"),
    "fog": ("in the fog", "in thick fog"),
    "snowfall": ("in the snow", "as snow falls"),
}
_DOING: dict[str, tuple[str, ...]] = {
    "sailboat": ("sailing", "floating"),
    "fishing boat": ("floating",),
    "rowing boat": ("floating",),
    "kayak": ("floating",),
    "duck": ("swimming",),
    "swan": ("swimming",),
    "water lily": ("floating",),
    "dog": ("standing",),
    "goat": ("standing",),
    "deer": ("standing",),
    "fox": ("standing",),
    "cow": ("standing",),
    "horse": ("standing",),
    "camel": ("standing",),
    "seagull": ("standing",),
    "cat": ("sitting",),
    "pigeon": ("standing",),
    "skier": ("going fast",),
    "runner": ("running",),
    "balloon": ("flying",),
    "kite": ("flying",),
    "bus": ("driving",),
    "taxi": ("driving",),
    "bicycle": ("parked",),
    "van": ("parked",),
    "scooter": ("parked",),
    "food truck": ("parked",),
    "tent": ("set up",),
    "flower": ("growing",),
    "mushroom": ("growing",),
    "sunflower": ("growing",),
}


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def things(plan: Plan) -> str:
    """The subject with its count and colour: "a red sailboat", "three orange pumpkins"."""
    subject = subject_of(plan.scene, plan.subject)
    if plan.count == 1:
        return f"{'an' if plan.colour[0] in 'aeiou' else 'a'} {plan.colour} {subject.name}"
    return f"{_COUNTS[plan.count]} {plan.colour} {subject.plural}"


def _when(plan: Plan, rng: np.random.Generator) -> str:
    if plan.scene == "concert":
        return _pick(rng, ("under bright stage lights", "under coloured lights"))
    if plan.scene in ("kitchen", "cafe"):
        hour = {"morning": "in the morning", "day": "by day", "sunset": "at sunset", "night": "at night"}
        return f"{hour[plan.light]} {_UNDER_ROOFS.get(plan.weather, '')}".strip()
    if plan.scene.startswith("city"):
        low = {"sunset": " at sunset", "morning": " in the morning"}.get(plan.light, "")
        return _pick(rng, _IN_CITY[plan.weather]) + low
    return _pick(rng, _WHEN[plan.light, plan.weather])


def _place(plan: Plan, rng: np.random.Generator) -> str:
    if (plan.scene, plan.subject) == ("lake", "picnic basket"):
        return _pick(rng, ("by a lake", "on the grass by a lake", "beside a calm lake"))
    return _pick(rng, _PLACES[plan.scene])


def captions(plan: Plan, rng: np.random.Generator) -> tuple[str, ...]:
    """Three captions of 6 to 16 words, each in another sentence form."""
    what = things(plan)
    there = "there is" if plan.count == 1 else "there are"
    active = f"{what} {_pick(rng, _DOING.get(plan.subject, ('',)))}".strip()

    def written(form: int) -> str:
        place, when, scene = _place(plan, rng), _when(plan, rng), _pick(rng, _SCENES[plan.scene])
        return (
            f"{what} {place} {when}",
            f"{active} {place} {when}",
            f"{scene} {when} with {what}",
            f"{there} {what} {place} {when}",
            f"{scene} with {what} {when}",
        )[form]

    found = []
    for form in rng.permutation(5)[:3]:
        caption = written(int(form))
        tries = 0
        while not 6 <= len(caption.split()) <= LONGEST:
            tries += 1
            # Some subjects are too long for some forms whatever the place: then another form takes its turn.
            caption = written(int(form) if tries < 8 else int(rng.integers(5)))
        found.append(caption)
    return tuple(found)
