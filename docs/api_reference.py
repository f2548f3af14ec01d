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
        "Warnings": ["OverlapWarning"],
    },
    "skcausal.estimation": {
        "Metalearners": [
            "SLearner",
            "TLearner",
            "XLearner",
            "RLearner",
            "DRLearner",
        ],
        "Average effects": ["AIPW"],
        "Forests": [
            "CausalForest",
            "MultiArmCausalForest",
            "CausalSurvivalForest",
            "InstrumentalForest",
            "RegressionForest",
            "merge_forests",
        ],
        "Wrappers": ["BootstrapEffect", "EffectStacking"],
        "Base models": [
            "KnownPropensity",
            "default_classifier",
            "default_effect_model",
            "default_regressor",
        ],
    },
    "skcausal.inference": {
        "Estimates": ["EffectEstimate", "BootstrapEstimate"],
        "Projections": ["best_linear_projection"],
        "Resampling": ["half_sample_replicates"],
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
        "Selection": [
            "get_scorer",
            "CausalScorer",
            "compare_learners",
            "TreatmentStratifiedKFold",
        ],
        "Refuters": [
            "refute",
            "Refutation",
            "PlaceboTreatment",
            "DummyOutcome",
            "RandomCommonCause",
            "DataSubset",
            "BootstrapSample",
            "SimulatedConfounder",
            "LeaveOneConfounderOut",
            "NegativeControlOutcome",
            "NegativeControlTreatment",
            "Refuter",
            "RefutationData",
        ],
        "Displays": [
            "QiniDisplay",
            "TOCDisplay",
            "UpliftByDecileDisplay",
            "CalibrationDisplay",
            "RefutationDisplay",
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
