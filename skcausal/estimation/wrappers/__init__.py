"""Any learner made more: intervals by resampling, ensembles by stacking.

======================  ==============================  ===========================
module                  method                          source
======================  ==============================  ===========================
``_bootstrap_effect``   half-sample, Bayesian and       Yadlowsky et al. 2021;
                        pairs bootstrap of any learner  Rubin 1981; Efron 1979
``_conformal_effect``   intervals of individual         Lei & Candes 2021
                        effects, for any learner
``_effect_stacking``    convex R-loss stacking,         Nie & Wager 2021;
                        Q-aggregation                   Lan & Syrgkanis 2024
======================  ==============================  ===========================

The names are imported from ``skcausal.estimation``.
"""
