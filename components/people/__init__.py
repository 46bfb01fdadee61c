"""People: what they are shown, what they say, how far they and the judges agree, and what becomes of it."""
