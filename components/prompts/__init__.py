"""Prompt words become a prompt: templates and platforms are files beside this module.

Read build.py first; escaping.py is what every prompt with other people's text in it goes through, the judges' too.
"""

from components.prompts.build import build, is_uncertain, known_languages, language_name
from components.prompts.platforms import Platform, known_platforms, load_platform, platform_text
from components.prompts.templates import known_templates, template_text

__all__ = [
    "Platform",
    "build",
    "is_uncertain",
    "known_languages",
    "known_platforms",
    "known_templates",
    "language_name",
    "load_platform",
    "platform_text",
    "template_text",
]
