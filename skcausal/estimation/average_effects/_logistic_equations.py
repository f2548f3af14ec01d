"""What estimated logistic propensities add to the influence of weighted means."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class LogisticEquations:
    """Estimating equations of multinomial logistic regression, control the reference.

    Parameters
    ----------
    design : ndarray of shape (n, p)
        Columns, the intercept first.
    residual : ndarray of shape (n, n_arms - 1)
        w (1[T = k] - e_k), the score of the linear predictor of arm k.
    inverse : ndarray of shape ((n_arms - 1) p, (n_arms - 1) p)
        Inverse of the information.
    """

    design: np.ndarray
    residual: np.ndarray
    inverse: np.ndarray

    @classmethod
    def of(
        cls, design: np.ndarray, e: np.ndarray, arm: np.ndarray, weight: np.ndarray
    ) -> "LogisticEquations":
        """Make the equations from fitted propensities of shape (n, n_arms)."""
        scale = np.sqrt((design**2).mean(axis=0))
        Z = design / np.where(scale == 0, 1.0, scale)  # which spans the same space
        codes = range(1, e.shape[1])
        blocks = [
            [
                Z.T @ (Z * (weight * e[:, k] * ((k == m) - e[:, m]))[:, None])
                for m in codes
            ]
            for k in codes
        ]
        inverse = np.linalg.pinv(np.block(blocks), rcond=1e-12, hermitian=True)
        residual = weight[:, None] * (np.eye(e.shape[1])[arm] - e)[:, 1:]
        return cls(Z, residual, inverse)

    def influence(self, change: np.ndarray) -> np.ndarray:
        """Return what the fitted coefficients add to an influence.

        ``change`` (n, n_arms - 1) is the slope of each row's term in the linear
        predictor of every arm.
        """
        gradient = (change.T @ self.design).ravel()
        direction = (self.inverse @ gradient).reshape(change.shape[1], -1)
        added = (self.residual * (self.design @ direction.T)).sum(axis=1)
        return added - added.mean()


def weight_slope(target: str, contrast: int, arm: int, e: np.ndarray) -> np.ndarray:
    """Return the slopes of log omega_arm in the linear predictors, (n, n_arms - 1)."""
    is_arm = _unit(e, arm)
    is_contrast = _unit(e, contrast)
    if target == "all":
        return e[:, 1:] - is_arm
    if target == "overlap":
        share = (e[:, contrast] / (e[:, contrast] + e[:, 0]))[:, None]
        return is_contrast * (-share if arm == contrast else 1 - share)
    if target == "treated":
        return is_contrast * (arm == 0)
    return -is_contrast * (arm == contrast)


def population_share(
    target: str, contrast: int, arm: np.ndarray, e: np.ndarray
) -> np.ndarray:
    """Return the share of each row in the target population."""
    if target == "overlap":
        return e[:, contrast] * e[:, 0] / (e[:, contrast] + e[:, 0])
    members = {"all": arm >= 0, "treated": arm == contrast, "control": arm == 0}
    return members[target].astype(float)


def population_slope(target: str, contrast: int, e: np.ndarray) -> np.ndarray:
    """Return the slopes of the log of that share, (n, n_arms - 1)."""
    if target != "overlap":
        return np.zeros_like(e[:, 1:])
    share = (e[:, contrast] / (e[:, contrast] + e[:, 0]))[:, None]
    return (1 - share) * _unit(e, contrast) - e[:, 1:]


def _unit(e: np.ndarray, arm: int) -> np.ndarray:
    """Return rows of indicators of an arm among those that are not control."""
    return np.broadcast_to(np.eye(e.shape[1])[arm, 1:], (e.shape[0], e.shape[1] - 1))
