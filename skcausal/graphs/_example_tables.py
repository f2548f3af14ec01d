"""The edges of published causal graphs, as facts: name -> edges, query, source.

Edges are written as dagitty writes them: ``a -> {b c}``, ``a <-> b``, ``u [latent]``.
"""

Row = tuple[str, str, str, str]  # edges, treatments, outcomes, source

_SHPITSER = (
    "Shpitser and Pearl (2008), Complete identification methods for the causal "
    "hierarchy, figure {}"
)
_TIAN = "Tian (2002), Studies in causal reasoning and learning, {}"
_SURROGATE = (
    "Bareinboim and Pearl (2012), Causal inference by surrogate experiments, "
    "example {}: identified with experiments on Z, if at all"
)
_VIRUS = (
    "Mohammad-Taheri et al. (2022), Do-calculus enables estimation of causal effects "
    "in partially observed biomolecular pathways; {}"
)
_SMUCLER = "Smucler, Sapienza and Rotnitzky (2022), Efficient adjustment sets, {}"
_FRONT_DOOR = "A front-door case of the tests of DoWhy, {}"

IDENTIFICATION: dict[str, Row] = {
    "bow": ("X->Y X<->Y", "X", "Y", _SHPITSER.format("1a")),
    "shpitser_pearl_1b": ("X->Z->Y X<->Z", "X", "Y", _SHPITSER.format("1b")),
    "shpitser_pearl_1c": ("X->Z->Y X->Y X<->Z", "X", "Y", _SHPITSER.format("1c")),
    "shpitser_pearl_1d": ("X->Y Z->Y X<->Z Z<->Y", "X", "Y", _SHPITSER.format("1d")),
    "shpitser_pearl_1e": ("Z->X->Y X<->Z Z<->Y", "X", "Y", _SHPITSER.format("1e")),
    "shpitser_pearl_1f": ("X->Z->Y X<->Y Z<->Y", "X", "Y", _SHPITSER.format("1f")),
    "shpitser_pearl_1g": (
        "X->Z1->Y Z2->Y X<->Z2 Z1<->Z2",
        "X",
        "Y",
        _SHPITSER.format("1g"),
    ),
    "shpitser_pearl_1h": (
        "Z->X->W->Y X<->Z X<->Y W<->Z Y<->Z",
        "X",
        "Y",
        _SHPITSER.format("1h"),
    ),
    "shpitser_pearl_2a": ("X->Y", "X", "Y", _SHPITSER.format("2a")),
    "shpitser_pearl_2b": ("X->Y X->Z->Y Y<->Z", "X", "Y", _SHPITSER.format("2b")),
    "shpitser_pearl_2c": ("X->Y Z->X Z->Y Y<->Z", "X", "Y", _SHPITSER.format("2c")),
    "shpitser_pearl_2d": ("X->Y Z->X Z->Y X<->Z", "X", "Y", _SHPITSER.format("2d")),
    "front_door": (
        "X->Z->Y X<->Y",
        "X",
        "Y",
        _SHPITSER.format("2e") + "; Pearl (2009), Causality, page 81",
    ),
    "shpitser_pearl_2f": (
        "X->Y X->Z1->Y Z1->Z2->Y X<->Z2 Y<->Z1",
        "X",
        "Y",
        _SHPITSER.format("2f") + "; Pearl (2009), Causality, page 92",
    ),
    "shpitser_pearl_2g": (
        "Z2->X Z2->Z1 Z2->Z3 X->Z1->Y Z3->Y Z2<->X Z2<->Y X<->Z3 X<->Y",
        "X",
        "Y",
        _SHPITSER.format("2g") + "; Pearl (2009), Causality, page 92",
    ),
    "shpitser_pearl_3a": (
        "X->Y1 W1->X W2->Y2 W1<->W2 W1<->Y1 W1<->Y2 X<->W2",
        "X",
        "Y1 Y2",
        _SHPITSER.format("3a"),
    ),
    "napkin": (
        "Z2->Z1->X->Y Z2<->X Z2<->Y",
        "X",
        "Y",
        "Pearl and Mackenzie (2018), The Book of Why, page 240",
    ),
    "instrument": (
        "Z->X->Y X<->Y",
        "X",
        "Y",
        "Pearl (2009), Causality, page 153",
    ),
    "m_graph": (
        "X->Y X<->Z Y<->Z",
        "X",
        "Y",
        "Greenland, Pearl and Robins (1999), Causal diagrams for epidemiologic "
        "research",
    ),
    "verma": (
        "V1->V2->V3->V4 V2<->V4",
        "V3",
        "V4",
        "Verma and Pearl (1990), Equivalence and synthesis of causal models",
    ),
    "tian_verma_2": (
        "V1->V2->V3->V4->V5 V1<->V3 V2<->V4 V3<->V5",
        "V1",
        "V5",
        _TIAN.format("page 70"),
    ),
    "tian_verma_3": (
        "V1->V2->V3->V4->V5 V1<->V5 V1<->V3 V2<->V4",
        "V1",
        "V5",
        _TIAN.format("page 59"),
    ),
    "tian_verma_4": (
        "V1->V2->V3->V4->V5 V1<->V5 V1<->V3 V2<->V4 V3<->V5",
        "V1",
        "V5",
        _TIAN.format("page 70, with one more hidden cause"),
    ),
    "tian_verma_5": (
        "V1->V2->V3->V4->V5->V6 V0<->V1 V0<->V6 V1<->V5 V1<->V3 V2<->V4",
        "V1",
        "V5",
        _TIAN.format("page 70, with two more nodes"),
    ),
    "pearl_two_actions": (
        "X1->Z X1->Y X1->X2 Z->X2->Y X1<->Z Z<->Y",
        "X1 X2",
        "Y",
        "Pearl (2009), Causality, page 119",
    ),
    "surrogate_experiment_1": (
        "Z->X->Y Z<->X Z<->Y",
        "X",
        "Y",
        _SURROGATE.format(1),
    ),
    "surrogate_experiment_2": (
        "Z->X->Y X<->Y Z<->Y",
        "X",
        "Y",
        _SURROGATE.format(2),
    ),
    "surrogate_experiment_3": (
        "Z->Y X->Y X<->Z Z<->Y",
        "X",
        "Y",
        _SURROGATE.format(3),
    ),
    "front_door_with_cause": (
        "W->X->Z->Y W->Z X<->Y",
        "X",
        "Y",
        "Tikka and Karvanen (2017), Identifying causal effects with the R package "
        "causaleffect, graph g1 of its vignette",
    ),
    "simplification": (
        "X->Y W->X W->Z->Y",
        "X",
        "Y",
        "Tikka and Karvanen (2017), Simplifying probabilistic expressions in causal "
        "inference",
    ),
    "igf_signalling": (
        "SOS->Ras->PI3K->AKT->Raf Ras->Raf->Mek->Erk SOS<->PI3K",
        "SOS",
        "Erk",
        "Zucker et al. (2021), Leveraging structured biological knowledge for "
        "counterfactual inference",
    ),
    "sars_cov_2_small": (
        "ADAM17->{EGFR TNF Sil6r} EGFR->cytok TNF->cytok Sil6r->IL6->cytok "
        "ADAM17<->cytok ADAM17<->Sil6r EGFR<->TNF EGFR<->IL6",
        "EGFR",
        "cytok",
        _VIRUS.format("the small graph, also asked for Sil6r"),
    ),
    "sars_cov_2": (
        "SARS_COV2->{ACE2 PRR} ACE2->Ang->AGTR1->ADAM17->{EGF TNF Sil6r} Toci->Sil6r "
        "EGF->EGFR Gefi->EGFR {PRR EGFR TNF}->NFKB->IL6AMP Sil6r->IL6STAT3->IL6AMP "
        "IL6AMP->cytok SARS_COV2<->Ang ADAM17<->Sil6r PRR<->NFKB EGF<->EGFR "
        "EGFR<->TNF EGFR<->IL6STAT3",
        "EGFR",
        "cytok",
        _VIRUS.format("the large graph, also asked for Sil6r"),
    ),
    "smoking": (
        "S->T->C S->C S<->T",
        "S",
        "C",
        "Smoking, tar and cancer where smoking and tar share a hidden cause: an "
        "example of y0",
    ),
    "counterfactual": (
        "X->W->Y D->Z->Y X<->Y",
        "X",
        "Y",
        _SHPITSER.format("9a"),
    ),
    "counterfactual_with_direct_effect": (
        "X->W->Y X->Y D->Z->Y X<->Y",
        "X",
        "Y",
        _SHPITSER.format("9a") + ", with one more arrow",
    ),
    "transport": (
        "X->Z->W->V->Y S->V X<->Z V<->Y X<->Y",
        "X",
        "Y",
        "The manual of causaleffect, transport; S points at what differs between "
        "the populations",
    ),
    "surrogate_outcomes": (
        "X1->{Y1 Y2} W->{Y1 Y2} Z->{Y1 X2 Y2} X2->Y2 X1<->Y1 Z<->W Z<->X2",
        "X1 X2",
        "Y1 Y2",
        "Tikka and Karvanen (2019), Surrogate outcomes and transportability, figure 8",
    ),
}

ADJUSTMENT: dict[str, Row] = {
    "shrier_platt": (
        "Coach->{FitnessLevel TeamMotivation} "
        "Genetics->{FitnessLevel NeuromuscularFatigue ConnectiveTissueDisorder} "
        "TeamMotivation->{PreviousInjury WarmUpExercises} "
        "PreGameProprioception->WarmUpExercises "
        "ConnectiveTissueDisorder->{TissueWeakness NeuromuscularFatigue} "
        "ContactSport->{IntraGameProprioception PreviousInjury} "
        "TissueWeakness->Injury IntraGameProprioception->Injury "
        "FitnessLevel->{PreGameProprioception NeuromuscularFatigue} "
        "NeuromuscularFatigue->{IntraGameProprioception Injury} "
        "WarmUpExercises->IntraGameProprioception",
        "WarmUpExercises",
        "Injury",
        "Shrier and Platt (2008), Reducing bias through directed acyclic graphs",
    ),
    "schipf": (
        "A->{S PA WC U TT} S->{TT T2DM} WC->{TT U T2DM} U->{TT T2DM} PA->{WC T2DM}",
        "TT",
        "T2DM",
        "Schipf et al. (2010), Directed acyclic graphs (DAGs): an application to "
        "testosterone and type 2 diabetes",
    ),
    "extended_confounding_triangle": (
        "A->{E Z} B->{D Z} E->D Z->{D E}",
        "E",
        "D",
        "The confounding triangle with two more causes, an example of dagitty",
    ),
    "mediator": (
        "Z->{X I} X->{I Y} I->Y",
        "X",
        "Y",
        "The small model with a mediator, an example of dagitty",
    ),
    "thoemmes": (
        "e0 [latent] e1 [latent] e3 [latent] e4 [latent] "
        "e0->x e1->s1 e2->{s2 y} e3->s3 e4->y s1->{s2 z} s2->{s3 z2} s3->y x->{y s1} "
        "y->z3",
        "x",
        "y",
        "Thoemmes (2013), an example of dagitty",
    ),
    "pearl_back_door": (
        "Z1->{Z3 Z4} Z2->{Z4 Z5} Z3->X Z4->{X Y} Z5->Y X->Z6->Y",
        "X",
        "Y",
        "Pearl (2009), Causality, figure 3.4",
    ),
    "smucler_figure_4": (
        "T->{W1 Y} W1->X W2->{W1 Y} W3->{W1 Y} W4->Y X->Y",
        "X",
        "Y",
        _SMUCLER.format("figure 4"),
    ),
    "smucler_figure_5": (
        "U [latent] X->Y Z1->{X Z2} U->{Z2 Y}",
        "X",
        "Y",
        _SMUCLER.format("figure 5"),
    ),
    "two_treatments": (
        "C->{Y1 m} X1->{X2 Y2 m2} Y2->Y1 X2->Y1 m2->m->X2",
        "X1 X2",
        "Y1 Y2",
        "Two treatments and two outcomes, from the tests of dagitty",
    ),
    "m_bias": (
        "A->B U1->{A M} U2->{M B}",
        "A",
        "B",
        "Greenland (2003), Quantifying biases in causal models; measured causes",
    ),
    "m_bias_without_effect": (
        "x<-a->m<-b->y",
        "x",
        "y",
        "The M-bias graph without an effect, from the tests of dagitty",
    ),
    "front_door_one_mediator": (
        "Z [latent] X->M1->Y Z->{X Y}",
        "X",
        "Y",
        _FRONT_DOOR.format("one mediator"),
    ),
    "front_door_two_mediators": (
        "Z [latent] X->{M1 M2}->Y Z->{X Y}",
        "X",
        "Y",
        _FRONT_DOOR.format("two mediators side by side"),
    ),
    "front_door_none": (
        "E [latent] E->{X R} X->M R->M->Y",
        "X",
        "Y",
        _FRONT_DOOR.format("a mediator that is confounded"),
    ),
    "instrument_marginal": (
        "i->x->y y<->x",
        "x",
        "y",
        "An instrument without conditions, from the tests of dagitty",
    ),
    "instrument_given_cause": (
        "u [latent] w->z->x->y w->u->x u->y",
        "x",
        "y",
        "An instrument given its own cause, from the tests of dagitty",
    ),
    "instrument_given_confounder": (
        "y<-w->i->x->y y<->x",
        "x",
        "y",
        "An instrument given what it shares with the outcome, from the tests of "
        "dagitty",
    ),
    "equivalent": (
        "a->{b c d} b->{c d}",
        "a",
        "d",
        "A graph in a class of ten equivalent ones, from the tests of dagitty",
    ),
}
