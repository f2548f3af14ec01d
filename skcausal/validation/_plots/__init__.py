"""Displays of the validation curves, in the manner of scikit-learn's displays."""
