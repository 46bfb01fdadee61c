"""Learning the network that reads topic, sentiment and scene: labelled examples, splits, training, measuring.

Importing this is cheap; torch is imported when something is trained.
"""
