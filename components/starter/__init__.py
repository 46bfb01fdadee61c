"""Trains and measures the starter models, the small ones that ship with the repository.

`python -m components.starter` draws pictures, trains every model on them and writes the directories under
`components/features/starter/`. Nothing here is used when posts are written: components/features loads the models.
"""

from components.starter.evaluate import evaluate

__all__ = ["evaluate"]
