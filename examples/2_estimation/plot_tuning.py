"""
Can a plain grid search tune an effect that nobody has seen?
============================================================

A search needs a score, and the effect of a single row is never observed. Causal scores
stand in for it. This example tunes a learner inside a Pipeline with scikit-learn's own
``GridSearchCV``, and then uses that the data are made up to see whether the search was
right.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.compose import make_column_transformer
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skcausal import causal_target, effect_of
from skcausal.datasets import make_ab_test
from skcausal.estimation import DRLearner, KnownPropensity
from skcausal.validation import get_scorer

data = make_ab_test(8000, missing=0.0, random_state=0)
new = make_ab_test(8000, missing=0.0, random_state=1)  # judges the candidates at the end

# %%
# The Pipeline encodes the two categorical columns; the learner comes last. The candidates
# differ in the model of the effect: constant, linear, and trees of growing appetite.
encode = make_column_transformer(
    (OneHotEncoder(), ["channel", "region"]), remainder="passthrough"
)
pipeline = make_pipeline(
    encode, DRLearner(propensity_model=KnownPropensity(0.5), random_state=0)
)
