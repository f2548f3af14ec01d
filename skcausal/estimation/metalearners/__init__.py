"""Meta-learners: any regressor becomes a learner of conditional effects.

==============  =====================================  ================================
module          method                                 source
==============  =====================================  ================================
``_s_learner``  one outcome model, treatment a feature  Kuenzel et al. 2019
``_t_learner``  one outcome model per arm               Kuenzel et al. 2019
``_x_learner``  imputed effects, blended by propensity  Kuenzel et al. 2019
``_r_learner``  residual on residual                    Nie & Wager 2021
``_dr_learner`` regression of doubly robust scores      Kennedy 2023
==============  =====================================  ================================

The names are imported from ``skcausal.estimation``.
"""
