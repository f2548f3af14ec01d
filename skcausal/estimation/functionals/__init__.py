"""Effects by formulas that a causal graph gives, estimated from data."""
