"""
What does a course do that only some of those invited attend?
=============================================================

A lottery invites people to a course. Not everyone who is invited attends, and those who
do differ from those who do not in ways that nobody has measured. The invitation is an
instrument: it was drawn at random and works through attendance only.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skcausal import WeakInstrumentWarning
from skcausal.estimation import AIPW, InteractiveIV, KnownPropensity

EFFECT = 1.5
warnings.simplefilter("ignore", WeakInstrumentWarning)  # the F is printed below


def draw(pull, n_rows=2000, seed=0):
    """Draw a lottery whose invitation moves attendance by ``pull``."""
    rng = np.random.default_rng(seed)
    X, hidden, noise = rng.normal(size=(n_rows, 3)), *rng.normal(size=(2, n_rows))
    invited = rng.integers(0, 2, n_rows)
    attends = (pull * invited + X[:, 0] + 1.5 * hidden + noise > 0.5).astype(int)
    wage = 10 + EFFECT * attends + X[:, 0] - X[:, 1] + 2 * hidden
    return X, wage, attends, invited


# %%
# Comparing those who attend with those who do not, at equal covariates, credits the
# course with what ambition did. The effect on compliers, who attend because they were
# invited, comes from the invitation instead.
X, wage, attends, invited = draw(pull=1.5)
compared = AIPW(random_state=0).fit(X, wage, treatment=attends).average_effect()
late = InteractiveIV(instrument_model=KnownPropensity(0.5), random_state=0)
late.fit(X, wage, treatment=attends, instrument=invited)
print(f"attending or not     {compared}")
print(f"effect on compliers  {late.average_effect()}")
print(f"share of compliers   {late.complier_share_}")
print(f"truth                {EFFECT}")

# %%
# The estimate is a ratio with the share of compliers below the line. Where invitations
# move hardly anyone, the usual interval breaks down, and the first-stage F says so. The
# Anderson-Rubin set stays right. It may even be unbounded: so little do the data say.
rows = []
for seed, pull in enumerate((1.5, 0.8, 0.4, 0.2, 0.05)):
    X, wage, attends, invited = draw(pull, seed=seed)
    late = InteractiveIV(instrument_model=KnownPropensity(0.5), random_state=0)
    late.fit(X, wage, treatment=attends, instrument=invited)
    effect, honest = late.average_effect(), late.anderson_rubin_interval()
    rows.append((late.first_stage_f_, effect.value, effect.interval(), honest))
rows.sort(key=lambda row: row[0], reverse=True)
table = pd.DataFrame(rows, columns=["F", "estimate", "Wald", "Anderson-Rubin"])
print(table.to_string(index=False, float_format="{:.2f}".format))

# %%
# Rays that leave the figure go on for ever.
BLUE, ORANGE, LIMIT = "#0072B2", "#D55E00", 12
fig, ax = plt.subplots(figsize=(7.5, 4), layout="constrained")
for place, (_, value, wald, honest) in enumerate(rows):
    ax.plot(np.clip(wald, -LIMIT, LIMIT), [place - 0.12] * 2, color=BLUE, lw=3)
    ax.plot(value, place - 0.12, "o", color=BLUE)
    for piece in honest.pieces:
        ax.plot(np.clip(piece, -LIMIT, LIMIT), [place + 0.12] * 2, color=ORANGE, lw=3)
ax.plot([], [], color=BLUE, lw=3, marker="o", label="estimate and Wald interval")
ax.plot([], [], color=ORANGE, lw=3, label="Anderson-Rubin set")
ax.axvline(EFFECT, color="#6B6B6B", linestyle="--", label="truth")
ax.set_xlim(-LIMIT, LIMIT)
ax.set_yticks(range(len(rows)), [f"F = {row[0]:.1f}" for row in rows])
ax.invert_yaxis()
ax.set_xlabel("Effect of the course on compliers (units of the wage), 95 %")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="upper left")
plt.show()
