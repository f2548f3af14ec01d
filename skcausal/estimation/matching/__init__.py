"""Matching: rows are compared with rows of the other arm that look alike."""
