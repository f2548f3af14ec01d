"""Tests of a graph against data; public through ``skcausal.validation``."""
