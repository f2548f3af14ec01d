"""Agreement with EconML: the same residuals give the same coefficients."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeRegressor

from skcausal.estimation import PartiallyLinear, PartiallyLinearIV

econml_dml = pytest.importorskip("econml.dml")
econml_iv = pytest.importorskip("econml.iv.dml")

pytestmark = [
    pytest.mark.reference,
    pytest.mark.filterwarnings("ignore:::econml"),
    pytest.mark.filterwarnings("ignore:::sklearn"),
]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X, (hidden, z) = rng.normal(size=(500, 3)), rng.normal(size=(2, 500))
    z = z + np.sin(X[:, 0])
    treatment = z + X[:, 1] + hidden
    return X, 2 * treatment + X[:, 0] ** 2 - hidden, treatment, z


@pytest.mark.parametrize(
    "model", [LinearRegression(), DecisionTreeRegressor(max_depth=3, random_state=0)]
)
def test_coefficients(table, model):
    X, y, t, z = table
    splits = list(KFold(3, shuffle=True, random_state=0).split(X))
    iv = PartiallyLinearIV(model, model, model, cv=splits)
    iv.fit(X, y, treatment=t, instrument=z)
    names = ("model_y_xw", "model_t_xw", "model_z_xw")
    peer = econml_iv.OrthoIV(**dict.fromkeys(names, model), cv=splits)
    peer.fit(y, t, Z=z, W=X)
    estimate, other = iv.average_effect(), peer.effect_inference()
    assert estimate.value == pytest.approx(other.point_estimate.item(), rel=1e-6)
    assert estimate.standard_error == pytest.approx(other.stderr.item(), rel=0.002)
    direct = PartiallyLinear(model, model, cv=splits).fit(X, y, treatment=t)
    peer = econml_dml.LinearDML(model_y=model, model_t=model, cv=splits)
    peer.fit(y, t, W=X)
    estimate, other = direct.average_effect(), peer.effect_inference()
    assert estimate.value == pytest.approx(other.point_estimate.item(), rel=1e-6)
    assert estimate.standard_error == pytest.approx(other.stderr.item(), rel=0.002)
