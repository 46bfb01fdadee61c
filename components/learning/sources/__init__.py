"""Adapters of labelled sources: one module per format, each with one `list_*` function that gives labelled entries.

To add a source: write its module here, add its line to SOURCES in components/learning/examples.py and its name to
LabelledSource, and a test that writes a small set in the format's exact form.
"""
