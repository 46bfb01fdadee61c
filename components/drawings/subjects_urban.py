"""Subjects of the scenes that people built: cities, the stadium, the kitchen, the cafe, the concert."""

from components.drawings.subject import BRIGHT, Subject

_FEW = (1, 1, 2)
"""Wide things: three of them would be too small to tell what they are."""

URBAN_SUBJECTS: dict[str, tuple[Subject, ...]] = {
    "city by day": (
        Subject("bus", "buses", "city life", counts=_FEW),
        Subject("scooter", "scooters", "city life"),
        Subject("bicycle", "bicycles", "sport", counts=_FEW),
        Subject("food truck", "food trucks", "food", counts=_FEW),
        Subject("pigeon", "pigeons", "animals", ("white", "grey", "blue")),
        Subject("guitar", "guitars", "music"),
    ),
    "city by night": (
        Subject("taxi", "taxis", "city life", ("yellow", "white", "green"), _FEW),
        Subject("tram", "trams", "city life", counts=_FEW),
        Subject("scooter", "scooters", "city life"),
        Subject("food truck", "food trucks", "food", counts=_FEW),
        Subject("cat", "cats", "animals", ("orange", "white", "black")),
        Subject("saxophone", "saxophones", "music", ("yellow",)),
    ),
    "stadium": (
        Subject("football", "footballs", "sport", (*BRIGHT, "white", "white")),
        Subject("runner", "runners", "sport"),
        Subject("trophy", "trophies", "sport", ("yellow", "yellow", "white")),
        Subject("popcorn box", "popcorn boxes", "food", ("red", "yellow", "blue", "green", "orange")),
        Subject("drum", "drums", "music"),
    ),
    "kitchen": (
        Subject("pizza", "pizzas", "food", ("red", "yellow", "green"), _FEW),
        Subject("cake", "cakes", "food", (*BRIGHT, "pink")),
        Subject("fruit bowl", "fruit bowls", "food", counts=_FEW),
        Subject("cat", "cats", "animals", ("orange", "white", "black", "grey")),
        Subject("radio", "radios", "music", counts=_FEW),
        Subject("houseplant", "houseplants", "nature", ("green",)),
    ),
    "cafe": (
        Subject("coffee cup", "coffee cups", "food"),
        Subject("croissant", "croissants", "food", ("brown",)),
        Subject("laptop", "laptops", "city life", counts=_FEW),
        Subject("suitcase", "suitcases", "travel"),
        Subject("dog", "dogs", "animals", ("brown", "black", "white")),
        Subject("guitar", "guitars", "music"),
    ),
    "concert": (
        Subject("guitar", "guitars", "music"),
        Subject("drum kit", "drum kits", "music", counts=_FEW),
        Subject("piano", "pianos", "music", ("black", "white", "red"), _FEW),
        Subject("saxophone", "saxophones", "music", ("yellow",)),
        Subject("disco ball", "disco balls", "city life"),
    ),
}
"""Scene to what can be its main object."""
