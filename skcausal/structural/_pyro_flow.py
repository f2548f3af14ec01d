"""The network of SplineFlow: an increasing function of noise, shaped by its causes."""

import copy
from typing import Any

import numpy as np
import torch
from pyro.distributions import Normal
from pyro.distributions.conditional import ConditionalTransformModule
from pyro.distributions.transforms import AffineTransform, ConditionalSpline
from pyro.nn import DenseNN

from skcausal.inference._bootstrap import generator_of

_HELD_OUT = 0.2
_MOST_STEPS = 50  # per pass through the rows
_SCALES = (-7.0, 7.0)  # log standard deviations, in those of the node


class ConditionalAffine(ConditionalTransformModule):
    """Shift and stretch by what a network makes of the causes."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def condition(self, context: Any) -> Any:
        """Return the transform of rows with these causes."""
        shift, log_scale = self.network(context)
        return AffineTransform(shift, torch.exp(log_scale.clamp(*_SCALES)))


class Flow(torch.nn.Module):
    """A spline of the noise, then a shift and a stretch."""

    def __init__(self, n_context: int, hidden: list[int], bins: int, bound: float):
        super().__init__()
        sizes = [bins, bins, bins - 1]
        shapes = DenseNN(n_context, hidden, param_dims=sizes)
        self.spline = ConditionalSpline(
            shapes, 1, count_bins=bins, bound=bound, order="quadratic"
        )
        self.affine = ConditionalAffine(DenseNN(n_context, hidden, param_dims=[1, 1]))
        # Layers of zeros start from the normal distribution of the whole node.
        for network in (shapes, self.affine.network):
            torch.nn.init.zeros_(network.layers[-1].weight)
            torch.nn.init.zeros_(network.layers[-1].bias)
        # Slopes of 1 at the inner knots: softplus of this value.
        start = float(np.log(np.expm1(1.0)))
        with torch.no_grad():
            shapes.layers[-1].bias[2 * bins :] = start

    def conditioned(self, context: Any) -> tuple[Any, Any]:
        """Return the two transforms of rows with these causes."""
        return self.spline.condition(context), self.affine.condition(context)

    def log_density(self, context: Any, values: Any) -> tuple[Any, Any]:
        """Return the noise and the log density of values."""
        spline, affine = self.conditioned(context)
        inner = affine.inv(values)
        noise = spline.inv(inner)
        stretch = spline.log_abs_det_jacobian(noise, inner)
        outer = affine.log_abs_det_jacobian(inner, values)
        log_density = Normal(0.0, 1.0).log_prob(noise) - stretch - outer
        return noise[:, 0], log_density[:, 0]


def _tensor(values: np.ndarray) -> Any:
    return torch.tensor(values, dtype=torch.float64)  # a copy: some are read-only


def train(
    context: np.ndarray, values: np.ndarray, settings: Any
) -> tuple[Flow, np.ndarray]:
    """Return the network at its best held-out likelihood, and the losses by epoch."""
    random = generator_of(settings.random_state)
    order = random.permutation(len(values))
    n_held = max(int(_HELD_OUT * len(values)), 2)
    given, wanted = _tensor(context[order]), _tensor(values[order, None])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(random.integers(2**31)))
        flow = Flow(
            context.shape[1], list(settings.hidden), settings.n_bins, settings.bound
        ).double()
        return _descend(flow, (given, wanted), n_held, settings)


def _descend(
    flow: Flow, data: tuple[Any, Any], n_held: int, settings: Any
) -> tuple[Flow, np.ndarray]:
    """Take steps of Adam until the held-out loss no longer falls."""
    given, wanted = data
    optimizer = torch.optim.Adam(flow.parameters(), lr=settings.learning_rate)
    slower = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.3, patience=settings.patience // 3
    )
    n_rows = len(given) - n_held
    size = max(settings.batch_size, -(-n_rows // _MOST_STEPS))
    losses: list[float] = []
    best = copy.deepcopy(flow.state_dict())
    for _ in range(settings.max_epochs):
        for rows in (torch.randperm(n_rows) + n_held).split(size):
            optimizer.zero_grad()
            loss = -flow.log_density(given[rows], wanted[rows])[1].mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
            optimizer.step()
        with torch.no_grad():
            held = flow.log_density(given[:n_held], wanted[:n_held])[1]
        losses.append(-float(held.mean()))
        slower.step(losses[-1])
        if losses[-1] == min(losses):
            best = copy.deepcopy(flow.state_dict())
        if len(losses) - int(np.argmin(losses)) > settings.patience:
            break
    flow.load_state_dict(best)
    return flow, np.array(losses)


def forward(flow: Flow, context: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return standardised values."""
    with torch.no_grad():
        spline, affine = flow.conditioned(_tensor(context))
        found = affine(spline(_tensor(noise[:, None])))
    return np.asarray(found[:, 0].numpy())


def inverse(
    flow: Flow, context: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return noise and log density of standardised values."""
    with torch.no_grad():
        noise, log_density = flow.log_density(
            _tensor(context), _tensor(values[:, None])
        )
    return np.asarray(noise.numpy()), np.asarray(log_density.numpy())
