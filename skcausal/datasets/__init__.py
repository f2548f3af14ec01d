"""Data to learn, test and compare on: effects that are known, or published.

Made on the spot, nothing to download:

- `make_ab_test`: a randomised experiment of an online shop, mixed columns.
- `make_observational`: chosen confounding, effect, overlap and noise.
- `make_ratings`: ratings of what users chose, and of what was shown at random.
- `make_survival`: right-censored survival times.

Read from ``$SKCAUSAL_DATA`` or the user's cache folder, verified by SHA-256, and
downloaded where missing:

- `fetch_hillstrom`: e-mail experiment, three arms (Hillstrom 2008).
- `fetch_criteo`: advertising experiment, 14 million rows (Diemert et al. 2018).
- `fetch_lalonde`: job training, experiment and surveys (LaLonde 1986).
- `fetch_jobs`: the same experiment with a survey, employment (Shalit et al. 2017).
- `fetch_ihdp`: 100 simulations on 747 children (Hill 2011).
- `fetch_acic2016`: 77 simulated settings (Dorie et al. 2019).
- `fetch_card`: schooling and wages, college proximity as instrument (Card 1995).
- `fetch_401k`: savings plans and wealth, eligibility as instrument (Abadie 2003).
- `fetch_bonus`: bonus for finding work soon, an experiment (Bilias 2000).
- `fetch_nhefs`: quitting smoking and weight (Hernan and Robins 2020).
- `fetch_twins`: mortality of twins, both outcomes known (Louizos et al. 2017).
- `fetch_sachs`: proteins of single cells with a consensus graph (Sachs et al. 2005).
- `fetch_german_credit`: 1,000 loans, and which were paid back (Hofmann 1994).
- `fetch_compas`: recidivism scores of defendants (Angwin et al. 2016).
- `fetch_law_school`: grades of students at law school (Wightman 1998).
- `fetch_tmdb5000`: films, their casts and revenues (Wang and Blei 2019).

Each returns a `sklearn.utils.Bunch` with ``frame`` (features, treatment and outcome
in one table), ``X``, ``y``, ``treatment``, ``description``, names of the columns, and
whatever truth is known; `fetch_sachs` has a graph instead of a treatment.
`DatasetNotFoundError` and `DatasetCorruptError` tell a missing file from a damaged one.
"""

from skcausal.datasets._ab_test import make_ab_test
from skcausal.datasets._fetch import DatasetCorruptError, DatasetNotFoundError
from skcausal.datasets._loaders_credit import fetch_german_credit
from skcausal.datasets._loaders_fairness import fetch_compas, fetch_law_school
from skcausal.datasets._loaders_graphs import fetch_sachs
from skcausal.datasets._loaders_instruments import fetch_401k, fetch_card
from skcausal.datasets._loaders_marketing import fetch_criteo, fetch_hillstrom
from skcausal.datasets._loaders_movies import fetch_tmdb5000
from skcausal.datasets._loaders_simulated import fetch_acic2016, fetch_ihdp
from skcausal.datasets._loaders_studies import fetch_bonus, fetch_nhefs
from skcausal.datasets._loaders_training import fetch_jobs, fetch_lalonde
from skcausal.datasets._loaders_twins import fetch_twins
from skcausal.datasets._observational import make_observational
from skcausal.datasets._ratings import make_ratings
from skcausal.datasets._survival import make_survival

__all__ = [
    "DatasetCorruptError",
    "DatasetNotFoundError",
    "fetch_401k",
    "fetch_acic2016",
    "fetch_bonus",
    "fetch_card",
    "fetch_compas",
    "fetch_criteo",
    "fetch_german_credit",
    "fetch_hillstrom",
    "fetch_ihdp",
    "fetch_jobs",
    "fetch_lalonde",
    "fetch_law_school",
    "fetch_nhefs",
    "fetch_sachs",
    "fetch_tmdb5000",
    "fetch_twins",
    "make_ab_test",
    "make_observational",
    "make_ratings",
    "make_survival",
]
