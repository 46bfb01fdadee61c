"""Prompt words become a prompt: templates and platforms are files beside this module."""
