"""The one list of public names: package -> section -> names.

``docs/conf.py`` makes a page for each package from it, and the tests compare it with
what the packages export, in both directions.
"""

API_REFERENCE = {
    "skcausal": {
        "Treatment inside scikit-learn": [
            "causal_target",
            "add_nuisances",
            "effect_of"
        ],
        "Warnings": [
            "NoIntervalWarning",
            "OverlapWarning",
            "WeakInstrumentWarning"
        ]
    },
    "skcausal.graphs": {
        "The graph": [
            "CausalGraph",
            "unroll"
        ],
        "Separation": [
            "minimal_separator",
            "all_minimal_separators"
        ],
        "Implications for data": [
            "implied_independencies",
            "Independence",
            "verma_constraints",
            "VermaConstraint"
        ],
        "Reading and writing": [
            "read_graph",
            "parse_graph",
            "format_graph",
            "from_networkx",
            "to_networkx",
            "from_adjacency",
            "to_adjacency"
        ],
        "Drawing": [
            "draw_graph",
            "to_svg"
        ],
        "Examples": [
            "example_graph",
            "list_example_graphs",
            "ExampleGraph"
        ],
        "Errors": [
            "GraphError",
            "CycleError",
            "UnknownNodeError",
            "ParseError"
        ]
    },
    "skcausal.structural": {
        "The model": [
            "AdditiveNoiseModel",
            "MisfitWarning",
            "LatentVariableModel"
        ],
        "Mechanisms": [
            "AdditiveNoise",
            "CategoricalNoise",
            "EmpiricalDistribution",
            "GeneralizedLinear",
            "GumbelMax",
            "SplineFlow",
            "Mechanism",
            "choose_mechanism"
        ],
        "What drove this?": [
            "intrinsic_influence",
            "arrow_strength",
            "anomaly_attribution",
            "unit_change",
            "distribution_change",
            "mean_change",
            "mechanism_change_test"
        ],
        "Results": [
            "Attribution",
            "RowAttribution",
            "AttributionDisplay"
        ],
        "Errors": [
            "RecantingWitnessError"
        ]
    },
    "skcausal.identification": {
        "From a question to a formula": [
            "identify",
            "Estimand",
            "Columns",
            "Step",
            "Hedge",
            "Population"
        ],
        "Several worlds": [
            "identify_counterfactual",
            "CounterfactualEstimand",
            "mediation_effects",
            "MediationEffects",
            "path_specific_effect"
        ],
        "Do-calculus": [
            "DoCalculus",
            "RuleResult",
            "Derivation",
            "DerivationStep"
        ],
        "Adjustment": [
            "AdjustmentSets",
            "AdjustmentSelector"
        ],
        "Hidden confounding": [
            "FrontDoorSets",
            "InstrumentSets"
        ],
        "Formulas": [
            "Expression",
            "Probability",
            "Sum",
            "Product",
            "Fraction",
            "Covariance",
            "One",
            "Zero",
            "Variable"
        ],
        "Numbers for formulas": [
            "evaluate",
            "Table"
        ],
        "Errors": [
            "IdentificationError",
            "NotIdentifiedError",
            "NoAdjustmentSetError",
            "NoFrontDoorSetError",
            "NoInstrumentError",
            "MissingColumnError"
        ]
    },
    "skcausal.estimation": {
        "Metalearners": [
            "SLearner",
            "TLearner",
            "XLearner",
            "RLearner",
            "DRLearner"
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
            "FrontDoorEffect"
        ],
        "Matching": [
            "NearestNeighbourMatching",
            "CoarsenedExactMatching",
            "NoMatchError"
        ],
        "Weighting": [
            "EntropyBalancing",
            "StableBalancingWeights",
            "InverseProbabilityWeights",
            "OverlapWeights",
            "CovariateBalancingPropensity",
            "CrumpTrimming",
            "BalancedEffect",
            "InfeasibleBalanceError"
        ],
        "Forests": [
            "CausalForest",
            "MultiArmCausalForest",
            "CausalSurvivalForest",
            "InstrumentalForest",
            "RegressionForest",
            "merge_forests"
        ],
        "From a graph": [
            "estimate",
            "estimate_mediation"
        ],
        "Wrappers": [
            "BootstrapEffect",
            "ConformalEffect",
            "EffectStacking"
        ],
        "Base models": [
            "KnownPropensity",
            "default_classifier",
            "default_effect_model",
            "default_regressor"
        ]
    },
    "skcausal.estimation.deconfounding": {
        "Factor models": [
            "PPCAFactorModel",
            "PoissonFactorModel",
            "BernoulliFactorModel",
            "DeepExponentialFamily"
        ],
        "Does the factor model fit?": [
            "predictive_check",
            "PredictiveCheck",
            "PredictiveCheckDisplay"
        ],
        "Warnings": [
            "ConstantCauseWarning",
            "PredictiveCheckWarning"
        ]
    },
    "skcausal.estimation.adapters": {
        "Other libraries": [
            "EconMLEffect"
        ]
    },
    "skcausal.inference": {
        "Estimates": [
            "EffectEstimate",
            "EffectBounds",
            "BootstrapEstimate",
            "join_estimates"
        ],
        "Ratios": [
            "ratio_of_estimates",
            "ratio_confidence_set",
            "ConfidenceSet"
        ],
        "Projections": [
            "best_linear_projection"
        ],
        "Heterogeneity": [
            "best_linear_predictor",
            "group_effects"
        ],
        "Resampling": [
            "half_sample_replicates",
            "multiplier_draws"
        ],
        "Randomisation": [
            "randomisation_test",
            "RandomisationResult"
        ],
        "Conformal": [
            "conformal_quantile"
        ],
        "Conditional independence": [
            "partial_correlation_test",
            "kernel_independence_test",
            "residual_covariance_test",
            "IndependenceTest"
        ]
    },
    "skcausal.validation": {
        "Average effects on new rows": [
            "average_effect"
        ],
        "Losses": [
            "r_loss",
            "dr_loss"
        ],
        "Curves": [
            "qini_curve",
            "toc_curve",
            "calibration_curve",
            "uplift_by_decile"
        ],
        "Scores": [
            "qini_score",
            "auuc_score",
            "uplift_at_k",
            "rate_score",
            "calibration_score"
        ],
        "Heterogeneity": [
            "heterogeneity_analysis",
            "HeterogeneityAnalysis",
            "blp_test",
            "gates",
            "clan",
            "calibration_test"
        ],
        "Overlap and balance": [
            "balance_table",
            "effective_sample_size",
            "overlap_summary"
        ],
        "Selection": [
            "get_scorer",
            "CausalScorer",
            "compare_learners",
            "TreatmentStratifiedKFold"
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
            "RefutationData"
        ],
        "Graphs": [
            "falsify_graph",
            "GraphFalsification"
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
            "RefutationDisplay",
            "FalsificationDisplay"
        ],
        "Sensitivity to unobserved confounding": [
            "e_value",
            "EValue",
            "PartialR2Sensitivity",
            "RieszSensitivity",
            "MarginalSensitivity",
            "BLearner",
            "RosenbaumBounds",
            "ManskiBounds"
        ]
    },
    "skcausal.datasets": {
        "Generators": [
            "make_ab_test",
            "make_observational",
            "make_survival"
        ],
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
            "fetch_sachs",
            "fetch_german_credit",
            "fetch_bonus",
            "fetch_nhefs",
            "fetch_compas",
            "fetch_law_school"
        ],
        "Errors": [
            "DatasetNotFoundError",
            "DatasetCorruptError"
        ]
    },
    "skcausal.analysis": {
        "Four steps": [
            "CausalAnalysis"
        ],
        "Command line": [
            "main"
        ]
    },
    "skcausal.testing": {
        "For authors of learners": [
            "all_effect_learners",
            "as_plain_estimator",
            "check_causal_estimator",
            "LAWS"
        ]
    },
    "skcausal.decision": {
        "Recourse": [
            "StructuralRecourse",
            "RecourseResult",
            "Recourse"
        ]
    },
    "skcausal.fairness": {
        "Groups": [
            "group_metrics",
            "SmallGroupWarning"
        ],
        "The audit": [
            "CounterfactualFairnessAuditor",
            "FairnessAudit",
            "FairnessAuditDisplay",
            "SensitiveAttributeError"
        ],
        "In a search": [
            "counterfactual_unfairness_scorer",
            "CounterfactualUnfairnessScorer"
        ],
        "What a gap is made of": [
            "decompose_disparity",
            "decompose_error_rates",
            "estimate_disparity",
            "DisparityDecomposition",
            "DisparityDisplay"
        ],
        "Unfair paths": [
            "PathSpecificFair",
            "path_effect_bounds",
            "PathEffectBounds"
        ],
        "Other models": [
            "compare_models",
            "ModelComparison",
            "confounder_tipping",
            "ConfounderTipping"
        ],
        "Fair predictors": [
            "CounterfactuallyFairClassifier",
            "CounterfactuallyFairRegressor"
        ]
    }
}
