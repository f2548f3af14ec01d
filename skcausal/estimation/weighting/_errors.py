"""The error of weights that do not exist."""


class InfeasibleBalanceError(ValueError):
    """No weights of the rows at hand make the arms alike.

    Raised by every weighter; the message names the covariate that stays apart and what
    to try instead.
    """
