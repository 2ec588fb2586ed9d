"""What a patient found in the leaflet: how much to drink, at home, after a medicine that makes sleepy, and in Spanish."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from pypdf import PdfReader

from ivigil.documents.leaflet import Facts, leaflet, leaflet_pdf
from ivigil.documents.leaflet_html import leaflet_html
from ivigil.documents.texts import LANGUAGES, Texts, catalogue
from ivigil.knowledge.leaflet import leaflet_facts
from ivigil.knowledge.regimens import Phase
from ivigil.prescription.plan import Plan, Premedication
from tests import planning
from tests.documents import plans

SEDATES = Premedication(
    what="diphenhydramine",
    dose="adult: 25 to 50 mg",
    route="by mouth or vein",
    min_before=(30, 60),
    reason="after an earlier reaction",
    caution="sedates: no driving; slowly if by vein; care in the old",
    sources=("safety/cidp_premed",),
)


def facts(product: str = "") -> Facts:
    knowledge = planning.opened()
    return Facts(leaflet_facts(knowledge), knowledge.product(product) if product else None, knowledge.source)


def ordered(**update: object) -> Plan:
    return plans.plan(prescription=plans.PRESCRIPTION.model_copy(update=update))


def home(**update: object) -> Plan:
    return ordered(setting="home", **update)


def on_page(plan: Plan, lang: str = "en", product: str = "", **more: str) -> str:
    """The words of the page without its sources."""
    page = leaflet_html(plan, facts(product), lang, **more).partition("<details")[0].partition("<body>")[2]
    return re.sub(r"\s+", " ", re.sub(r"<sup>.*?</sup>|<[^>]+>", " ", page)).replace(" .", ".").replace(" :", ":")


# ---- how much to drink


@pytest.mark.parametrize("code", ["heart-failure", "previous-overload"])
def test_nobody_at_risk_of_overload_is_told_to_drink_plenty(code: str) -> None:
    plan = plans.plan(findings=(*plans.FINDINGS, plans.finding(code)))

    assert "Ask your team how much to drink the day before and that day. Do not drink more than they say." in on_page(
        plan
    )
    assert "plenty" not in on_page(plan)
    assert "Pregunte a su equipo cuánto debe beber" in on_page(plan, "es")
    assert "mucha agua" not in on_page(plan, "es")
    assert "plenty of water" in on_page(plans.one_day())


def test_every_screening_rule_that_raises_the_risk_of_volume_is_among_them() -> None:
    raising = {code for code, rule in planning.opened().rules.items() if "volume" in rule.raises}
    assert raising == set(facts().statements.instead.little_fluid_findings.items)


def test_the_planner_of_a_patient_with_heart_failure_leads_to_that_sentence() -> None:
    made = planning.plan(
        planning.record(conditions=["heart_failure"]), "cidp", product="gamunex_c", phase=Phase.MAINTENANCE
    )
    assert made.status == "planned"
    said = leaflet(made, facts(), "en")["before"]["rows"]
    assert [row["text"] for row in said if "drink" in row["text"].casefold()] == [
        "Ask your team how much to drink the day before and that day. Do not drink more than they say."
    ]


# ---- at home

NOT_AT_HOME = {
    "en": ("Before you come", "What to bring", "Call before you come", "Warm clothes", "take you home", "After you leave",
           "Staff", "You stay so", "Arrive"),
    "es": ("Antes de venir", "Qué traer", "le lleve a casa", "Después de irse", "Ropa de abrigo", "Llegada", "Le ve un médico"),
}  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_of_a_journey_or_a_ward_stands_on_a_leaflet_for_home(lang: str) -> None:
    shown = on_page(home(), lang)
    hospital = on_page(plans.one_day(), lang)
    assert [phrase for phrase in NOT_AT_HOME[lang] if phrase in shown] == []
    assert [phrase for phrase in NOT_AT_HOME[lang] if phrase not in hospital] == []


def test_at_home_the_box_names_the_number_for_whenever_no_nurse_is_there() -> None:
    shown = on_page(home(), phone="+1 212 555 0100")
    box = shown[shown.index("Get help at once") : shown.index("What happens then")]
    assert re.search(r"Any time your nurse is not with you: +Call 911", box)
    assert "Your team’s number: +1 212 555 0100." in box
    assert "Siempre que la enfermera no esté con usted" in on_page(home(), "es")
    assert "Your team’s number is at the end of this sheet." in on_page(home())


def test_in_hospital_the_box_holds_the_number_of_the_team_where_it_is_known() -> None:
    assert on_page(plans.one_day(), phone="+1 212 555 0100").count("+1 212 555 0100") == 2
    assert "at the end of this sheet" not in on_page(plans.one_day())


def test_at_home_the_nurse_stops_the_pump_and_a_phone_is_at_hand() -> None:
    shown = on_page(home())
    for sentence in (
        "Your nurse stops the pump, checks you and calls for help.",
        "Your nurse stays to watch how you feel.",
        "A phone that works, and the numbers to call",
        "An adult who stays with you the first time",
        "Call your team before the visit if you have a fever or feel ill.",
    ):
        assert sentence in shown


# ---- a medicine that makes sleepy


def test_a_sedating_medicine_means_no_driving_and_somebody_to_take_one_home() -> None:
    shown = on_page(ordered(premedication=(SEDATES,)))
    assert "It can make you sleepy. Do not drive that day." in shown
    assert "Someone to take you home: do not drive that day" in shown
    assert "the first time" not in shown
    assert "No conduzca ese día." in on_page(ordered(premedication=(SEDATES,)), "es")


def test_at_home_somebody_stays_instead() -> None:
    shown = on_page(home(premedication=(SEDATES,)))
    assert "An adult who stays with you: you may be sleepy that day" in shown
    assert "Do not drive that day." in shown
    assert "take you home" not in shown


def test_a_medicine_that_does_not_sedate_changes_nothing() -> None:
    awake = SEDATES.model_copy(update={"what": "cetirizine", "caution": "not a treatment of anaphylaxis"})
    assert "drive" not in on_page(ordered(premedication=(awake,)))


def test_the_caution_of_every_sedating_medicine_of_the_policy_is_understood() -> None:
    words = set(facts().statements.instead.drowsy_words.items)
    medicines = planning.opened().policies.premedication.medicines
    told = {name for name, one in medicines.items() if words & set(re.findall(r"[a-z]+", one.caution))}
    assert told == {"diphenhydramine"}


# ---- Spanish


def test_maltose_reads_higher_than_the_glucose_really_is() -> None:
    shown = on_page(plans.one_day(), "es", "octagam_10")
    assert "algunos medidores de glucosa dan un valor más alto que el real" in shown
    assert "muy alto" not in shown


def test_no_sentence_is_said_twice_and_the_words_are_those_one_says() -> None:
    shown = on_page(home(), "es")
    assert shown.count("Llega la enfermera") == 1
    assert "Algunas personas tienen" in shown
    assert "En algunas enfermedades" in shown
    assert not re.search(r"\b[Uu]nas (personas|enfermedades)", shown)
    assert "dificultad para hablar" in shown


def test_a_number_of_donors_cannot_be_read_as_one() -> None:
    shown = on_page(plans.one_day(), "es")
    assert "al menos mil donantes" in shown
    assert "1.000" not in "".join(catalogue("es").values())


@pytest.mark.parametrize(
    ("region", "grams", "count", "clock"),
    [("US", "18.5", "10,000", "las 1:05 pm"), ("EU", "18,5", "10\u00a0000", "las 13:05")],
)
def test_spanish_is_written_as_in_its_region(region: str, grams: str, count: str, clock: str) -> None:
    texts = Texts("es", region)
    assert texts.figure(plans.D("18.5")) == grams
    assert texts.count(10_000) == count
    shown = texts.clock(plans.START, 4 * 60 + 5, in_sentence=True).replace("\u00a0", " ")
    assert shown == clock.replace("las 1:", "la 1:")


@pytest.mark.parametrize(("after_h", "said"), [(3, "12 del mediodía"), (15, "12 de la noche (martes)")])
def test_noon_and_midnight_in_spanish(after_h: int, said: str) -> None:
    assert Texts("es").clock(plans.START, after_h * 60).replace("\u00a0", " ") == said


def test_how_a_source_was_read_is_said_in_the_language_of_the_sheet() -> None:
    rests = " ".join(row["rest"] for row in leaflet(plans.one_day(), facts("privigen"), "es")["sources"])
    assert "leído" in rests
    assert "Pasos nombrados:" in rests
    assert not re.search(r"\bread (on|at|second)|guideline|\btrial\b|Steps named", rests)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("paper", ["a4", "us-letter"])
def test_all_of_it_together_stays_on_two_pages(lang: str, paper: str) -> None:
    plan = home(premedication=(SEDATES,)).model_copy()
    made = leaflet_pdf(plan, facts("octagam_10"), lang, paper, phone="1" * 90, where="W" * 90)
    assert len(PdfReader(BytesIO(made)).pages) <= 2
