"""Benchmarks of accuracy, coverage and speed; start them with ``run.py``."""
