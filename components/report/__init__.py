"""The pages that people look at first, each one HTML file from the warehouse alone: `render` makes that of a run,
`render_training` that of a training or an evaluation."""

from components.report.render import render
from components.report.training import render_training

__all__ = ["render", "render_training"]
