"""Refuters: what each changes in the table, how all run, what they conclude."""
