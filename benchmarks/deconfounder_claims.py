"""What has been published or told about the actors, beside what is found here."""

import numpy as np
import pandas as pd

FALLERS = (
    "Frank Welker",
    "David Bradley",
    "Stanley Tucci",
    "Hugo Weaving",
    "Ben Affleck",
    "Elijah Wood",
    "Jonah Hill",
    "Bill Hader",
    "Robbie Coltrane",
    "Emma Watson",
)
RISERS = (
    "Robert De Niro",
    "Bruce Willis",
    "Desmond Llewelyn",
    "Arnold Schwarzenegger",
    "Will Smith",
    "Bill Murray",
    "Lois Maxwell",
    "Jim Carrey",
)
WIZARDS = ("Emma Watson", "Alan Rickman", "Daniel Radcliffe")
CORRELATIONS = {"PPCA": 0.692, "PF": 0.837, "DEF": 0.995, "log budget, runtime": 0.714}
STAN_LEE = {
    "PPCA": 4,
    "PF": 1,
    "DEF": 1,
    "log budget, runtime": 15,
    "budget, runtime": 844,
}
WORDS = """\
Claims about actors: the paper's as they are remembered (its table is not at hand: no \
test rests on it), a recomputation from the factors the authors published, and ours. \
Coefficients of one actor alone -> with factors."""
# Actor, what the paper is remembered to say, published factors (without -> with).
CLAIMS = (
    ("Stanley Tucci", "undervalued: rises", "PPCA", (0.040, -0.038)),
    ("Ben Affleck", "undervalued: rises", "PPCA", (0.017, -0.044)),
    ("Willem Dafoe", "undervalued: rises", "PPCA", None),
    ("Susan Sarandon", "undervalued: rises", "PPCA", None),
    ("Christopher Walken", "undervalued: rises", "PPCA", None),
    ("Judi Dench", "overvalued: falls", "PPCA", (0.060, 0.053)),
    ("Frank Welker", "", "PPCA", (0.070, -0.031)),
    ("Hugo Weaving", "", "PPCA", (0.097, 0.031)),
    ("Robert De Niro", "", "PPCA", (0.012, 0.116)),
    ("Bruce Willis", "", "PPCA", (0.046, 0.114)),
    ("Desmond Llewelyn", "", "PPCA", (0.050, 0.106)),
    ("Arnold Schwarzenegger", "", "PPCA", (0.045, 0.088)),
    ("Will Smith", "", "PPCA", (0.076, 0.119)),
    ("Emma Watson", "", "PF", (0.061, -0.002)),
    ("Alan Rickman", "", "PF", (0.064, 0.003)),
    ("Daniel Radcliffe", "", "PF", (0.063, 0.013)),
)


def table(tables):
    """Return the claims, and whether the direction of ours agrees."""
    rows = []
    for actor, told, factors, published in CLAIMS:
        if actor not in tables[factors].index:
            continue
        ours = tables[factors].loc[actor, ["naive", "deconfounded"]].tolist()
        direction = np.sign(ours[1] - ours[0])
        row = {"actor": actor, "paper [from memory]": told, "factors": factors}
        row["published factors"] = arrow(published) if published else ""
        row["ours"] = arrow(ours)
        row["agrees with the paper"] = agrees(
            direction, {"rises": 1, "falls": -1}.get(told.rpartition(" ")[2])
        )
        row["agrees with published factors"] = agrees(
            direction, published and np.sign(published[1] - published[0])
        )
        rows.append(row)
    return pd.DataFrame(rows)


def arrow(pair):
    return f"{pair[0]:.3f} -> {pair[1]:.3f}"


def agrees(ours, theirs):
    if not theirs:
        return ""
    return "yes" if ours == theirs else "**no**"


def beside_published(rows):
    """Return our figures with the published ones in columns of their own."""
    frame = pd.DataFrame(rows)
    names = frame["factors"]
    frame.insert(3, "published correlation", names.map(CORRELATIONS))
    place = frame.columns.get_loc("Stan Lee") + 1
    frame.insert(place, "published rank", names.map(STAN_LEE))
    return frame
