"""Input checks, the causal target, fold splitters and the scikit-learn shim."""
