"""Honest forests on binned data: effects that vary, and how sure each one is.

=====================  =======================================================
module                 job
=====================  =======================================================
``_binning``           covariates to codes of one byte
``_sampling``          which rows a tree sees (kernels)
``_relabelling``       rows of a node to what its split maximises (kernels)
``_splitting``         the best split of a node (kernels)
``_growing``           one tree as flat arrays (kernels)
``_prediction``        leaf statistics to estimates and variances (kernels)
``_several_labels``    relabelling for several contrasts (kernels)
``_several_splitting`` splitting for them
``_several_prediction`` prediction for them
``_paths``             the nodes that rows pass (kernels)
``_local_linear``      estimates from a regression around each row (kernels)
``_correction``        features and data of that regression
``_shapley``           Shapley values of trees (kernels)
``_explaining``        Shapley values of forests
``_plan``              rules, sampling and rows that trees are grown by
``_forest``            many trees as flat arrays
``_planting``          growing trees in parallel
``_merging``           one forest from several
``_parameters``        parameters that all forests share
``_base_forest``       what all forest estimators share
``_causal_forest``     ``CausalForest`` (Athey, Tibshirani and Wager 2019)
``_multi_arm_causal_forest`` ``MultiArmCausalForest`` (the same, for vectors)
``_regression_forest`` ``RegressionForest``
``_instrumental_forest`` ``InstrumentalForest`` (the same, section 7)
=====================  =======================================================

A kind of forest is a case in ``_relabelling.relabel``, ``_prediction.add_statistics``
and ``_prediction.solve``. The names are imported from ``skcausal.estimation``; numba is
imported when a forest is fitted.
"""
