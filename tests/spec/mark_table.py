"""What a record says of another therapy, one row a mark, written from the facts and not from the marks' own predicates.

``fact`` names the row of ``alternatives.yaml`` or the page; sources are ids, without ``safety/``. Cases are changes to the well adult.
"""

from __future__ import annotations

from tests.planning import history
from tests.spec.screening_rows import (
    LIQUID,
    NO_CONDITIONS,
    NO_HISTORY,
    NO_MEDICINES,
    Case,
    Row,
    Unrecorded,
    each,
    given,
    graded,
    has,
    lab,
    labs,
    planned,
    reacted,
    reactions,
)

WELL = Case({})
WEEKS_4, DAYS_29 = "2026-10-26T09:00:00-05:00", "2026-10-25T09:00:00-05:00"
#: Given last month, a year ago, and another product: all of them are no first treatment.
TREATED = (given("2026-11-02T09:00:00-05:00"), given("2025-10-01T09:00:00-05:00"), given(WEEKS_4, "privigen"))
NEGATIVE = labs(lab("hbsag", "negative"), lab("anti_hbc", "negative"))
INFECTED = has("sepsis, untreated_infection")
NO_REACTIONS = (
    Unrecorded(Case({"immunoglobulin_history": ...}), None),
    Unrecorded(Case({"immunoglobulin_history": [history(LIQUID, reactions=...)]}), None),
)
#: Both the list of conditions and the list of medicines (or of tests) must be there before a mark is silent for good.
NOT_PREGNANT = Case({"conditions": []})


def low_igg(value: float) -> Case:
    return Case(labs(lab("igg", value, "g/L")))


ROWS: dict[str, Row] = {
    "scig-severe-reaction": Row(
        fact="products_sc.yaml, common_contraindications",
        severity="warns",
        sources="sc/hiz_eu",
        says=("Anaphylaxis or another severe systemic reaction", "label under the skin excludes it", "specialist"),
        hits=(
            *reactions("anaphylaxis, severe_systemic_hypersensitivity"),
            Case(reacted(planned("anaphylaxis"))),
        ),
        near=(WELL, graded("eczematous_rash", 4), *reactions("back_pain")),
        unrecorded=NO_REACTIONS,
    ),
    "scig-bleeding": Row(
        fact="indications.yaml, itp-adult, cautions; policy",
        severity="warns",
        sources="conditions/gamunexc_il policy/ivigil",
        says=("anticoagulant, few platelets or a tendency to bleed", "By policy", "haematoma", "Prefer a vein"),
        hits=(
            *has("itp, thrombocytopenia, bleeding_tendency"),
            *each("medicines", "anticoagulant, warfarin"),
            Case(labs(lab("platelets", 49, "10*9/L"))),
        ),
        near=(
            Case(labs(lab("platelets", 50, "10*9/L"))),
            *has("breastfeeding"),
            *each("medicines", "anti_cd20"),
        ),
        unrecorded=(*NO_CONDITIONS, *NO_MEDICINES),
    ),
    "scig-wish": Row(
        fact="Current Oncology 2016, Table III",
        severity="warns",
        sources="alternatives/scig_onc16",
        says=("wish recorded is a hospital or a clinic", "needs training, good hands and eyes", "would learn it"),
        hits=(Case({"setting_wish": "hospital"}), Case({"setting_wish": "clinic"})),
        near=(Case({"setting_wish": "home"}),),
        unrecorded=(
            Unrecorded(
                WELL,
                "scig-wish-unknown",
                "informs",
                says=("wishes to be treated is not recorded", "after training", "would learn it"),
            ),
        ),
    ),
    "scig-home": Row(
        fact="Muscle Nerve 2021, Table 4",
        severity="informs",
        sources="alternatives/scig_cidp21",
        says=("A wish for home is recorded", "at home after training", "Offer the training"),
        hits=(Case({"setting_wish": "home"}),),
        near=(Case({"setting_wish": "clinic"}), Case({"setting_wish": "hospital"})),
        unrecorded=(Unrecorded(WELL, None),),
    ),
    "scig-veins": Row(
        fact="Muscle Nerve 2021, Table 4; aacijournal 2005, Table 2",
        severity="informs",
        sources="alternatives/scig_cidp21 alternatives/scig_reasons05",
        says=("Poor veins or a catheter", "needs no vein", "rather than a port", "before another catheter"),
        hits=(*has("poor_venous_access"), *(Case({"access": one}) for one in ("central_line", "picc", "port"))),
        near=(WELL, *has("breastfeeding")),
        unrecorded=(Unrecorded(Case({"access": ...}), None), *NO_CONDITIONS),
    ),
    "scig-borne-badly": Row(
        fact="Muscle Nerve 2021, Table 4; aacijournal 2005, Table 2",
        severity="informs",
        sources="alternatives/scig_cidp21 alternatives/scig_reasons05",
        says=("Systemic reactions", "rarer by this route", "at the site more frequent", "premedication do not help"),
        hits=(
            *reactions("headache, fever_or_chills, nausea_or_vomiting, flushing, back_pain, fatigue"),
            Case(reacted(planned("headache"))),
        ),
        near=(WELL, graded("eczematous_rash"), *reactions("anaphylaxis")),
        unrecorded=NO_REACTIONS,
    ),
    "scig-risks": Row(
        fact="Muscle Nerve 2021, Table 4; modalities.scig.main_risks",
        severity="informs",
        sources="alternatives/scig_cidp21 alternatives/hiz_dm",
        says=("kidneys, a clot, haemolysis or aseptic meningitis", "may be preferred", "labels warn", "boxed warning"),
        hits=(
            *has(
                "renal_insufficiency, previous_thrombosis, previous_arterial_event, hypercoagulable_state, "
                "previous_haemolysis_after_ig"
            ),
            *reactions("acute_kidney_injury, thrombosis, haemolysis, aseptic_meningitis"),
            Case(reacted(planned("haemolysis"))),
        ),
        near=(WELL, graded("eczematous_rash"), *reactions("back_pain"), *has("breastfeeding")),
        unrecorded=(*NO_CONDITIONS, *NO_REACTIONS),
    ),
    "cidp-scig-first-treatment": Row(
        fact="cidp, scig, placement",
        severity="warns",
        sources="alternatives/hiz_hcp",
        says=("No immunoglobulin was given yet", "maintenance", "stabilised the disease", "Stabilise first"),
        hits=(WELL,),
        near=TREATED,
        unrecorded=NO_HISTORY[:1],
    ),
    "tpe-immunoglobulin": Row(
        fact="modalities.tpe.sequencing_with_ig; policy",
        severity="warns",
        sources="alternatives/miyamoto16 alternatives/jnnp_table policy/ivigil",
        says=("last four weeks", "takes most", "By policy", "no page gives the gap", "exchange first"),
        hits=(given(WEEKS_4), given("2026-11-22T09:00:00-05:00", "privigen")),
        near=(WELL, given(DAYS_29)),
        unrecorded=NO_HISTORY[:1],
    ),
    "tpe-unstable": Row(
        fact="WikEM, contraindications; modalities.tpe.main_risks",
        severity="warns",
        sources="alternatives/tpe_wikem alternatives/nieto20",
        says=("Sepsis, volume depletion or heart failure", "contraindications", "Settle the circulation first"),
        hits=has("sepsis, volume_depletion, heart_failure"),
        near=(WELL, *has("breastfeeding")),
        unrecorded=NO_CONDITIONS,
    ),
    "tpe-bleeding": Row(
        fact="modalities.tpe.fibrinogen",
        severity="warns",
        sources="alternatives/miyamoto16",
        says=("anticoagulant, few platelets or a tendency to bleed", "more than half of the fibrinogen", "measured"),
        hits=(*has("itp, thrombocytopenia, bleeding_tendency"), *each("medicines", "anticoagulant, warfarin")),
        near=(WELL, *has("breastfeeding"), *each("medicines", "anti_cd20")),
        unrecorded=(*NO_CONDITIONS, *NO_MEDICINES),
    ),
    "tpe-poor-veins": Row(
        fact="modalities.tpe.venous_access",
        severity="warns",
        sources="alternatives/ctpe",
        says=("Poor veins", "central catheter", "Count the catheter among its risks"),
        hits=has("poor_venous_access"),
        near=(WELL, *has("breastfeeding")),
        unrecorded=NO_CONDITIONS,
    ),
    "tpe-one-vein": Row(
        fact="modalities.tpe.venous_access",
        severity="informs",
        sources="alternatives/ctpe",
        says=("peripheral vein", "centrifugal device and rarely on a membrane one", "which device"),
        hits=(WELL,),
        near=(Case({"access": "central_line"}), Case({"access": "umbilical"})),
        unrecorded=(Unrecorded(Case({"access": ...}), None),),
    ),
    "corticosteroids-diabetes": Row(
        fact="GPnotebook, special precautions",
        severity="warns",
        sources="alternatives/steroids_gpn",
        says=("Diabetes or a medicine for it", "can worsen it", "plan glucose checks"),
        hits=(*has("diabetes_mellitus"), *each("medicines", "insulin, sulfonylurea_or_glinide")),
        near=(WELL, *has("breastfeeding"), *each("medicines", "anti_cd20")),
        unrecorded=(*NO_CONDITIONS, *NO_MEDICINES),
    ),
    "corticosteroids-heart-and-kidney": Row(
        fact="GPnotebook, special precautions",
        severity="warns",
        sources="alternatives/steroids_gpn",
        says=("High blood pressure, heart failure or renal insufficiency", "can worsen them", "are watched"),
        hits=has("hypertension, uncontrolled_hypertension, heart_failure, renal_insufficiency"),
        near=(WELL, *has("breastfeeding")),
        unrecorded=NO_CONDITIONS,
    ),
    "corticosteroids-infection": Row(
        fact="iPharmacy, methylprednisolone",
        severity="warns",
        sources="alternatives/steroids_iph",
        says=("An infection is recorded", "mask its signs", "treated first"),
        hits=INFECTED,
        near=(WELL, *has("breastfeeding")),
        unrecorded=NO_CONDITIONS,
    ),
    "rituximab-hepatitis-b": Row(
        fact="modalities.rituximab.boxed_warning",
        severity="warns",
        sources="alternatives/rtx_gene lu2018",
        says=(
            "Hepatitis B is recorded, present or past",
            "boxed warning",
            "Not before somebody",
            "sample from before it",
        ),
        hits=(
            *(Case(one.change | NEGATIVE) for one in has("hepatitis_b")),
            Case(labs(lab("hbsag", "positive"), lab("anti_hbc", "negative"))),
            Case(labs(lab("hbsag", "negative"), lab("anti_hbc", "positive"))),
        ),
        near=(Case(NEGATIVE), Case(NEGATIVE | {"conditions": ["breastfeeding"]})),
        unrecorded=tuple(
            Unrecorded(
                Case(change),
                "rituximab-hepatitis-b-unknown",
                "warns",
                says=("not recorded", "boxed warning asks for a screen", "HBsAg and anti-HBc before the first dose"),
            )
            for change in (
                {},
                labs(lab("hbsag", "negative")),
                labs(lab("anti_hbc", "negative")),
                NEGATIVE | {"conditions": ...},
            )
        ),
    ),
    "rituximab-pregnancy": Row(
        fact="Practical Neurology, Table 2",
        severity="warns",
        sources="alternatives/rtx_pn",
        says=("Pregnancy or breast feeding", "newborn of B cells", "unless the benefit is greater", "obstetrician"),
        hits=(*has("pregnancy, breastfeeding"), Case(labs(lab("pregnancy_test", "positive")))),
        near=(NOT_PREGNANT, *has("migraine")),
        unrecorded=NO_CONDITIONS,
    ),
    "fcrn-inhibitors-immunoglobulin": Row(
        fact="modalities.fcrn_inhibitors.immunoglobulin_interaction; policy",
        severity="warns",
        sources="alternatives/vyv_med policy/ivigil",
        says=("last four weeks", "each may weaken the other", "By policy", "which of the two is given", "IgG level"),
        hits=(given(WEEKS_4), given("2026-11-22T09:00:00-05:00", "privigen")),
        near=(WELL, given(DAYS_29)),
        unrecorded=NO_HISTORY[:1],
    ),
    "fcrn-inhibitors-low-igg": Row(
        fact="modalities.fcrn_inhibitors.mechanism; sid.licence_note (IgG below 4 g/L)",
        severity="warns",
        sources="alternatives/vyv_med alternatives/adhere alternatives/hiz_ch",
        says=("below 4 g/L", "European labels", "lower all IgG further", "immunologist"),
        hits=(low_igg(3.99),),
        near=(low_igg(4), low_igg(12)),
        unrecorded=(
            Unrecorded(
                WELL,
                "fcrn-inhibitors-low-igg-unknown",
                "informs",
                says=("IgG is not recorded", "lower all IgG", "Measure IgG before"),
            ),
        ),
    ),
    "fcrn-inhibitors-infection": Row(
        fact="modalities.fcrn_inhibitors.class_risks",
        severity="warns",
        sources="alternatives/ryst_prec alternatives/vyv_dm",
        says=("An infection is recorded", "risk of the class", "treated first"),
        hits=INFECTED,
        near=(WELL, *has("breastfeeding")),
        unrecorded=NO_CONDITIONS,
    ),
    "fcrn-inhibitors-live-vaccine": Row(
        fact="modalities.fcrn_inhibitors.class_risks",
        severity="warns",
        sources="alternatives/ryst_prec alternatives/vyv_dm",
        says=("live vaccine is planned", "None is given while IgG is lowered", "Vaccinate before"),
        hits=has("live_vaccine_planned"),
        near=(WELL, *has("live_vaccine_recent, breastfeeding")),
        unrecorded=NO_CONDITIONS,
    ),
    "hsct-infection": Row(
        fact="pi, hsct, scid23 (active infection: hazard ratio 2.41)",
        severity="warns",
        sources="alternatives/scid23",
        says=("An infection is recorded", "more than doubled the hazard of death", "treated first"),
        hits=INFECTED,
        near=(WELL, *has("breastfeeding")),
        unrecorded=NO_CONDITIONS,
    ),
    "tpo-ra-clot": Row(
        fact="modalities.tpo_ra, risks: thrombosis",
        severity="warns",
        sources="alternatives/nplate alternatives/nplate_isi",
        says=("earlier clot or a tendency to clot", "thrombosis is a risk of the class", "Weigh another option"),
        hits=has("previous_thrombosis, previous_arterial_event, recent_stroke, hypercoagulable_state"),
        near=(WELL, *has("breastfeeding")),
        unrecorded=NO_CONDITIONS,
    ),
}
