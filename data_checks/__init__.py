"""What a good batch of each table looks like: one module per table, and validate.py, which runs them."""
