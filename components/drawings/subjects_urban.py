"""Subjects of the scenes that people built: cities, the stadium, the kitchen, the cafe, the concert."""

from components.drawings.subject import Subject

URBAN_SUBJECTS: dict[str, tuple[Subject, ...]] = {
    "city by day": (Subject("bus", "buses", "city life"),),
    "city by night": (Subject("taxi", "taxis", "city life", ("yellow",)),),
    "stadium": (Subject("ball", "balls", "sport"),),
    "kitchen": (Subject("pot", "pots", "food"),),
    "cafe": (Subject("cup", "cups", "food"),),
    "concert": (Subject("guitar", "guitars", "music"),),
}
