"""The page that people look at first: `render` makes one HTML file of a run, from the warehouse alone."""

from components.report.render import render

__all__ = ["render"]
