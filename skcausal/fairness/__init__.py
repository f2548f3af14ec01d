"""Is it fair? Predictors under a structural model: audit and repair."""

__all__: list[str] = []
