"""
What would this applicant's test have been in another group?
============================================================

Grades and admission tests are read as signs of knowledge, which nobody measures. If
they also depend on the group an applicant belongs to, the same knowledge shows as
different numbers. Such a story, with a hidden cause and a count in it, is quickly
written as a Pyro program; the data here are made with known numbers.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyro
import pyro.distributions as dist
import torch

from skcausal.structural import CouplingWarning, ProgramModel

rng = np.random.default_rng(0)
n = 1000
group = rng.binomial(1, 0.4, size=n)
knowledge = rng.normal(size=n)
students = pd.DataFrame(
    {
        "group": group,
        "gpa": 3.2 - 0.2 * group + 0.3 * knowledge + 0.2 * rng.normal(size=n),
        "test": rng.poisson(np.exp(3.6 - 0.2 * group + 0.15 * knowledge)),
        "first_year": 0.6 * knowledge - 0.3 * group + 0.7 * rng.normal(size=n),
    }
)

# %%
# **The program of one applicant.** Each ``pyro.sample`` is a node, ``pyro.param`` a
# number to learn. Nothing is said of rows, batches or inference.


def weight(name, start=0.0):
    """Return a number to learn."""
    return pyro.param(name, torch.tensor(start))


def applicant():
    """Draw one applicant."""
    group = pyro.sample("group", dist.Bernoulli(0.4))
    known = pyro.sample("knowledge", dist.Normal(0.0, 1.0))
    gpa = weight("gpa_base", 3.0) + weight("gpa_group") * group
    gpa = gpa + weight("gpa_known", 0.2) * known
    pyro.sample("gpa", dist.Normal(gpa, weight("gpa_noise", -1.0).exp()))
    test = weight("test_base", 3.5) + weight("test_group") * group
    pyro.sample("test", dist.Poisson((test + weight("test_known", 0.1) * known).exp()))
    year = weight("year_known", 0.5) * known + weight("year_group") * group
    pyro.sample("first_year", dist.Normal(year, weight("year_noise", -0.3).exp()))


# %%
# **Learn the numbers** by stochastic variational inference. Knowledge has no column,
# so it is latent. Without the effect of the group, the test would be higher by a
# factor of exp(0.2) = 1.22; that is what should be found.
model = ProgramModel(applicant, random_state=0)
model.fit(students, options={"steps": 500})
mean = {g: model.do(group=g).sample(50_000)["test"].mean() for g in (0, 1)}
print(f"Mean test: {mean[0]:.1f} and {mean[1]:.1f}, factor {mean[0] / mean[1]:.2f}")

# %%
# **Two applicants of the second group**, whose first year is still to come. What the
# model knows of their knowledge is a distribution: draws, weighted by how well they
# explain grade and test.
two = pd.DataFrame(
    {"group": [1, 1], "gpa": [3.4, 2.7], "test": [36, 27]}, index=["first", "second"]
)
found = model.abduct(two, n_samples=4000)
print(found.diagnostics)
as_is = found.predict()

# %%
# **The same applicants in the other group**: same knowledge, same luck. That luck in a
# count acts by one uniform number is a choice which no data can test, so the library
# warns of it; the warning is switched off here.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", CouplingWarning)
    other = found.predict({"group": 0})
change = (other - as_is).groupby(level="row", sort=False).mean()
print(change[["gpa", "test", "first_year"]].round(2))

# %%
# What the group took from the test is about seven and six points. Dashed: the tests.
_, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for row, color in (("first", "C0"), ("second", "C1")):
    axes[0].hist(as_is.loc[row, "knowledge"], 40, density=True, color=color, alpha=0.6)
    tests = other.loc[row, "test"].value_counts(normalize=True)
    axes[1].bar(tests.index, tests, color=color, alpha=0.6, label=f"{row} applicant")
    axes[1].axvline(two.loc[row, "test"], color=color, linestyle="--")
axes[0].set(xlabel="Knowledge", ylabel="Density")
axes[1].set(xlabel="Test, had the group been the other", ylabel="Share of draws")
axes[1].legend(loc="upper center")
plt.show()
