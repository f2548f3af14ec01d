"""The one list of public names: package -> section -> names.

``docs/conf.py`` makes a page for each package from it, and the tests compare it with
what the packages export, in both directions.
"""

API_REFERENCE = {
    "skcausal": {
        "Treatment inside scikit-learn": [
            "causal_target",
            "add_nuisances",
            "effect_of",
        ],
        "Warnings": ["NoIntervalWarning", "OverlapWarning", "WeakInstrumentWarning"],
    },
    "skcausal.estimation": {
        "Metalearners": [
            "SLearner",
            "TLearner",
            "XLearner",
            "RLearner",
            "DRLearner",
        ],
        "Average effects": [
            "AIPW",
            "TMLE",
            "RegressionAdjustment",
            "PropensityWeighting",
            "QuantileEffect",
            "PartiallyLinear",
            "PartiallyLinearIV",
            "InteractiveIV",
        ],
        "Matching": [
            "NearestNeighbourMatching",
            "CoarsenedExactMatching",
            "NoMatchError",
        ],
        "Weighting": [
            "EntropyBalancing",
            "StableBalancingWeights",
            "InverseProbabilityWeights",
            "OverlapWeights",
            "CovariateBalancingPropensity",
            "CrumpTrimming",
            "BalancedEffect",
            "InfeasibleBalanceError",
        ],
        "Forests": [
            "CausalForest",
            "MultiArmCausalForest",
            "CausalSurvivalForest",
            "InstrumentalForest",
            "RegressionForest",
            "merge_forests",
        ],
        "Wrappers": ["BootstrapEffect", "ConformalEffect", "EffectStacking"],
        "Base models": [
            "KnownPropensity",
            "default_classifier",
            "default_effect_model",
            "default_regressor",
        ],
    },
    "skcausal.estimation.adapters": {
        "Other libraries": ["EconMLEffect"],
    },
    "skcausal.inference": {
        "Estimates": [
            "EffectEstimate",
            "EffectBounds",
            "BootstrapEstimate",
            "join_estimates",
        ],
        "Ratios": ["ratio_of_estimates", "ratio_confidence_set", "ConfidenceSet"],
        "Projections": ["best_linear_projection"],
        "Heterogeneity": ["best_linear_predictor", "group_effects"],
        "Resampling": ["half_sample_replicates", "multiplier_draws"],
        "Randomisation": ["randomisation_test", "RandomisationResult"],
        "Conformal": ["conformal_quantile"],
    },
    "skcausal.validation": {
        "Average effects on new rows": ["average_effect"],
        "Losses": ["r_loss", "dr_loss"],
        "Curves": ["qini_curve", "toc_curve", "calibration_curve", "uplift_by_decile"],
        "Scores": [
            "qini_score",
            "auuc_score",
            "uplift_at_k",
            "rate_score",
            "calibration_score",
        ],
        "Heterogeneity": [
            "heterogeneity_analysis",
            "HeterogeneityAnalysis",
            "blp_test",
            "gates",
            "clan",
            "calibration_test",
        ],
        "Overlap and balance": [
            "balance_table",
            "effective_sample_size",
            "overlap_summary",
        ],
        "Selection": [
            "get_scorer",
            "CausalScorer",
            "compare_learners",
            "TreatmentStratifiedKFold",
        ],
        "Displays": [
            "QiniDisplay",
            "TOCDisplay",
            "UpliftByDecileDisplay",
            "CalibrationDisplay",
            "GatesDisplay",
            "ClanDisplay",
            "LovePlotDisplay",
            "PropensityDisplay",
            "SensitivityContourDisplay",
            "TippingPointDisplay",
        ],
        "Sensitivity to unobserved confounding": [
            "e_value",
            "EValue",
            "PartialR2Sensitivity",
            "RieszSensitivity",
            "MarginalSensitivity",
            "BLearner",
            "RosenbaumBounds",
            "ManskiBounds",
        ],
    },
    "skcausal.datasets": {
        "Generators": ["make_ab_test", "make_observational", "make_survival"],
        "Loaders": [
            "fetch_hillstrom",
            "fetch_criteo",
            "fetch_ihdp",
            "fetch_acic2016",
            "fetch_twins",
            "fetch_jobs",
            "fetch_lalonde",
            "fetch_card",
            "fetch_401k",
        ],
        "Errors": ["DatasetNotFoundError", "DatasetCorruptError"],
    },
    "skcausal.analysis": {
        "Command line": ["main"],
    },
    "skcausal.testing": {
        "For authors of learners": [
            "all_effect_learners",
            "as_plain_estimator",
            "check_causal_estimator",
            "LAWS",
        ],
    },
}
