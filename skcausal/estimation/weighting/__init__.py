"""Weights that make arms alike: for any model, or for an average effect."""
