"""The error of a sensitive attribute that cannot be one."""


class SensitiveAttributeError(ValueError):
    """The sensitive attribute is no node of the graph, or has causes in it."""
