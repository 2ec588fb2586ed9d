"""Event tables: what each row means, what is refused, and that writing and reading lose nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivigil.cli.app import run
from ivigil.errors import BadInput
from ivigil.kinetics.event_profile import expect
from ivigil.kinetics.event_tables import (
    AmountUnit,
    Layout,
    LevelUnit,
    TimeUnit,
    read_events,
    record_of,
    treatment_of,
)
from ivigil.kinetics.event_writing import events_of, events_of_regimen, write_events
from ivigil.kinetics.individual import Parameters, individual
from ivigil.kinetics.linear import concentrations, disposition
from ivigil.kinetics.regimens import Dose, Route, read_regimen
from ivigil.kinetics.subjects import Subject, Weighing
from ivigil.kinetics.treatment import Level, Treatment
from ivigil.knowledge.loading import Knowledge

DAYS = Layout(TimeUnit.DAYS, AmountUnit.G, LevelUnit.G_PER_L, {1: Route.SC, 2: Route.IV}, {"0": "male", "1": "female"})
HOURS = Layout(TimeUnit.HOURS, AmountUnit.MG, LevelUnit.MG_PER_DL, DAYS.compartments, DAYS.sexes)
HEAD = "ID,TIME,AMT,RATE,II,ADDL,SS,EVID,CMT,DV,MDV"
ZHANG = Knowledge().kinetic_model("zhang2020")
ADULT = Subject(weight_kg=70)
BASELINE = 4.0


def table(*rows: str, head: str = HEAD) -> str:
    return "\n".join((head, *rows)) + "\n"


def expected(*rows: str, subject: Subject = ADULT) -> list[float]:
    """Exogenous IgG at the observations of a table."""
    (one,) = read_events(table(*rows), DAYS)
    return [found.igg_g_per_l - BASELINE for found in expect(ZHANG, replace(one, subject=subject))[0]]


def linear(subject: Subject = ADULT):
    return disposition(individual(ZHANG, subject).parameters)


# ---- what a row means


def test_units_are_the_callers():
    """30 g over 4 h on day 2 is 30000 mg at 7500 mg/h at hour 48; 650 mg/dL are 6.5 g/L."""
    (in_days,) = read_events(table("1,2,30,180,0,0,0,1,2,.,1", "1,9,.,.,.,.,.,0,2,6.5,0"), DAYS)
    (in_hours,) = read_events(table("1,48,30000,7500,0,0,0,1,2,.,1", "1,216,.,.,.,.,.,0,2,650,0"), HOURS)
    assert treatment_of(in_days) == treatment_of(in_hours)
    assert treatment_of(in_days) == Treatment((Dose(2.0, 30.0, Route.IV, 4.0),), (Level(9.0, 6.5, False),), None)


def test_additional_doses_follow_at_the_interval_whatever_stands_between():
    """The example of NONMEM's help on ADDL: doses at 10, 22 and 34, and one of its own at 20."""
    (one,) = read_events(
        table("1,10,15,0,12,2,0,1,2,.,1", "1,15,.,.,.,.,.,0,2,25.7,0", "1,20,10,0,0,0,0,1,2,.,1"), DAYS
    )
    assert [(dose.day, dose.amount_g) for dose in treatment_of(one).doses] == [(10, 15), (20, 10), (22, 15), (34, 15)]


def test_a_row_above_a_dose_is_before_it_and_a_row_below_after_it():
    above, below = expected("1,0,0,0,0,0,0,0,2,.,1", "1,0,30,0,0,0,0,1,2,.,1", "1,0,0,0,0,0,0,0,2,.,1")
    assert above == 0.0
    assert below == pytest.approx(30 / individual(ZHANG, ADULT).parameters.vc)


def test_steady_state_of_one_exponential_is_the_geometric_series():
    """One compartment, as rxode2's own test has it: C0 / (1 − e^(−k τ))."""
    one = disposition(Parameters(0.15, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    from ivigil.kinetics.linear import since_ever

    found = since_ever(one, Dose(3.0, 20.0, Route.IV), 21.0, np.array([2.9, 3.0, 10.0]))
    peak = 20 / 5 / (1 - np.exp(-0.03 * 21))
    assert found == pytest.approx([0.0, peak, peak * np.exp(-0.03 * 7)])


@pytest.mark.parametrize("rate", [0, 180, 30 / 25], ids=["bolus", "4 hours", "an infusion longer than its interval"])
@pytest.mark.parametrize("cmt", [2, 1], ids=["iv", "sc"])
def test_steady_state_is_what_doses_since_ever_leave(rate, cmt):
    """Against 400 doses counted out; 400 intervals are 60 half-lives."""
    found = expected(
        f"1,5,30,{rate},21,2,1,1,{cmt},.,1", *(f"1,{day},.,.,.,.,.,0,2,.,1" for day in (6.5, 20, 26.5, 60, 90))
    )
    over = 30 / rate * 24 if rate else 0.0
    route = Route.IV if cmt == 2 else Route.SC
    doses = tuple(Dose(8405.0 + 21 * n, 30.0, route, over) for n in range(-400, 3))
    counted = concentrations(linear(), doses, 8400 + np.array([6.5, 20, 26.5, 60, 90]))
    assert found == pytest.approx(counted.tolist(), rel=1e-9)


def test_steady_state_1_cancels_what_was_and_2_adds_to_it():
    before = "1,0,50,0,7,20,0,1,2,.,1"
    looked = "1,40,.,.,.,.,.,0,2,.,1"
    alone = expected("1,30,30,0,21,0,1,1,2,.,1", looked)
    assert expected(before, "1,30,30,0,21,0,1,1,2,.,1", looked) == pytest.approx(alone)
    earlier = concentrations(linear(), tuple(Dose(7.0 * n, 50.0, Route.IV) for n in range(6)), np.array([40.0]))
    assert expected(before, "1,30,30,0,21,0,2,1,2,.,1", looked) == pytest.approx((np.array(alone) + earlier).tolist())


@pytest.mark.parametrize("reset", ["1,30,.,.,.,.,.,3,0,.,1", "1,30,30,0,0,0,0,4,2,.,1"], ids=["3", "4"])
def test_a_reset_forgets_doses_infusions_and_those_still_to_come(reset):
    dosed = 30 if ",4," in reset else 0
    found = expected("1,0,50,0,7,20,0,1,2,.,1", "1,29,40,10,0,0,0,1,2,.,1", reset, "1,40,.,.,.,.,.,0,2,.,1")
    alone = concentrations(linear(), (Dose(30.0, 30.0, Route.IV),), np.array([40.0])) if dosed else np.zeros(1)
    assert found == pytest.approx(alone.tolist())


def test_time_may_go_back_at_a_reset_only():
    assert expected("1,30,30,0,0,0,0,1,2,.,1", "1,0,20,0,0,0,0,4,2,.,1", "1,9,.,.,.,.,.,0,2,.,1") == pytest.approx(
        concentrations(linear(), (Dose(0.0, 20.0, Route.IV),), np.array([9.0])).tolist()
    )
    with pytest.raises(BadInput, match=r"line 3, column TIME: '9'. It lies before the row above it \(30\)"):
        expected("1,30,30,0,0,0,0,1,2,.,1", "1,9,.,.,.,.,.,0,2,.,1")


def test_a_weight_that_changes_is_carried_from_its_row_on():
    rows = ["1,0,10,60,0,0,0,1,2,.,1,20", "1,20,.,.,.,.,.,2,0,.,1,24", "1,28,.,.,.,.,.,0,2,6.1,0,24"]
    (one,) = read_events(table(*rows, head=f"{HEAD},WT"), DAYS)
    assert one.subject.weights == (Weighing(0.0, 20.0), Weighing(20.0, 24.0))
    assert record_of(one)["weights"] == [{"day": 0.0, "weight_kg": 20.0}, {"day": 20.0, "weight_kg": 24.0}]
    changed = expect(ZHANG, one)[0][-1].igg_g_per_l
    kept = expect(ZHANG, replace(one, subject=Subject(weight_kg=20)))[0][-1].igg_g_per_l
    assert changed < kept  # a larger volume and clearance from day 20 on


def test_covariates_are_read_by_the_table_of_columns():
    head = f"{HEAD},WT,HT,AGE,SEX,IGM,SID"
    (one,) = read_events(table("7,0,30,0,0,0,0,1,2,.,1,70,170,40,1,0.4,0", head=head), DAYS)
    assert one.subject == Subject(
        weight_kg=70, height_cm=170, age_years=40, sex="female", igm_g_per_l=0.4, secondary_deficiency=False
    )


def test_blanks_and_quotes_and_comments_are_read_too():
    text = "# made elsewhere\nid time amt evid cmt\n\n1 0 30 1 2\n"
    (one,) = read_events(text, DAYS)
    assert treatment_of(one).doses == (Dose(0.0, 30.0, Route.IV),)
    assert read_events('"ID","TIME","AMT","EVID","CMT"\n1,0,30,1,2\n', DAYS) == tuple(
        replace(each, rows=tuple(replace(row, line=2) for row in each.rows)) for each in (one,)
    )


# ---- what is refused

BAD = [
    ("1,0,30,-2,0,0,0,1,2,.,1", "line 2, column RATE: '-2'. A rate or duration that a model would estimate"),
    ("1,0,30,-1,0,0,0,1,2,.,1", "line 2, column RATE: '-1'"),
    ("1,0,0,0,0,0,0,1,2,.,1", "line 2, column AMT: '0'. A dose has an amount above zero"),
    ("1,0,-5,0,0,0,0,1,2,.,1", "line 2, column AMT: '-5'"),
    ("1,0,30,0,0,3,0,1,2,.,1", "line 2, column II: '0'. Additional and steady-state doses need an interval"),
    ("1,0,30,0,0,0,1,1,2,.,1", "line 2, column II"),
    ("1,0,30,0,21,0,0,1,2,.,1", "An interval without ADDL or SS repeats nothing"),
    ("1,0,30,0,21,-5,0,1,2,.,1", "A steady state reached by counting doses is not done"),
    ("1,0,30,0,21,0,3,1,2,.,1", "line 2, column SS: '3'. It is 0, 1 or 2"),
    ("1,0,30,0,21,100001,0,1,2,.,1", "A subject has at most 100000 doses"),
    ("1,0,30,0,0,0,0,1,3,.,1", "A dose goes into one of the compartments 1 (sc), 2 (iv)"),
    ("1,0,30,0,0,0,0,1,2,.,0", "A row with EVID 1 measures nothing: its MDV is 1"),
    ("1,0,30,0,0,0,0,0,2,5,0", "line 2, column AMT: '30'. A row with EVID 0 holds no dose"),
    ("1,0,.,.,.,.,.,0,2,.,0", "NONMEM reads a missing level as zero"),
    ("1,0,.,.,.,.,.,0,1,5,0", "Only compartment 2 is observed"),
    ("1,0,.,.,.,.,.,0,2,-5,0", "A level is not negative"),
    ("1,0,30,0,0,0,0,5,2,.,1", "line 2, column EVID: '5'. It is 0, 1, 2, 3 or 4"),
    ("1,0,30,0,0,0,0,.,2,.,1", "Every row says what it is"),
    ("1,.,30,0,0,0,0,1,2,.,1", "Every row has a time"),
    (".,0,30,0,0,0,0,1,2,.,1", "Every row belongs to a subject"),
    ("1,NA,30,0,0,0,0,1,2,.,1", "line 2, column TIME: 'NA'. This is not a number"),
    ("1,1_0,30,0,0,0,0,1,2,.,1", "This is not a number"),
    ("1,-1,30,0,0,0,0,1,2,.,1", "It must not be negative"),
    ("1,0,30,0,0,0,1.5,1,2,.,1", "It must be a whole number"),
    ("1,0,30,0,0,0,0,1,2,.", "line 2: 10. The header has 11 columns"),
    ("1,0,30,0,0,0,0,3,0,.,1", "A row with EVID 3 holds no dose"),
]


@pytest.mark.parametrize(("row", "said"), BAD, ids=[row for row, _ in BAD])
def test_a_row_that_cannot_be_is_refused_by_line_column_and_value(row, said):
    with pytest.raises(BadInput) as refused:
        read_events(table(row), DAYS)
    assert said in str(refused.value)
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("ID,TIME,AMT,EVID,CMT,DVID", "line 1, column DVID: 'DVID'. No such column"),
        ("ID,TIME,AMT,EVID,CMT,EVID", "A column stands once"),
        ("ID,TIME,AMT,EVID,CMT,PCMT", "a compartment of its own to predict"),
        ("ID,TIME,AMT,CMT", "A table needs the column EVID"),
    ],
)
def test_a_header_that_cannot_be_read_is_refused(head, said):
    with pytest.raises(BadInput, match=said):
        read_events(f"{head}\n{','.join('1' for _ in head.split(','))}\n", DAYS)


def test_a_column_may_be_dropped_by_name():
    with_study = replace(DAYS, drop=frozenset({"STUDY"}))
    assert read_events("ID,TIME,AMT,EVID,CMT,STUDY\n1,0,30,1,2,X\n", with_study)


def test_sex_needs_its_codes():
    with pytest.raises(BadInput, match="does not say which code is which"):
        read_events("ID,TIME,AMT,EVID,CMT,SEX\n1,0,30,1,2,1\n", replace(DAYS, sexes={}))


def test_only_the_weight_may_change():
    with pytest.raises(BadInput, match=r"line 3, column HT: '171'. Only the weight may change"):
        read_events(table("1,0,30,0,0,0,0,1,2,.,1,170", "1,5,30,0,0,0,0,1,2,.,1,171", head=f"{HEAD},HT"), DAYS)


def test_the_rows_of_a_subject_stand_together():
    rows = ["1,0,30,0,0,0,0,1,2,.,1", "2,0,30,0,0,0,0,1,2,.,1", "1,5,30,0,0,0,0,1,2,.,1"]
    with pytest.raises(BadInput, match=r"line 4, column ID: '1'. The rows of a subject stand together"):
        read_events(table(*rows), DAYS)


def test_a_trough_at_the_moment_of_an_additional_bolus_can_be_read_in_two_ways():
    rows = ["1,0,30,{},21,3,0,1,2,.,1", "1,21,.,.,.,.,.,0,2,7,0"]
    with pytest.raises(
        BadInput, match=r"line 3, column TIME: '21'. An additional dose \(ADDL\) falls on this very moment"
    ):
        read_events(table(rows[0].format(0), rows[1]), DAYS)
    assert read_events(table(rows[0].format(180), rows[1]), DAYS)  # an infusion has only begun


def test_a_forecast_takes_no_steady_state_no_reset_and_no_level_below_its_bolus():
    for rows, said in (
        (["1,0,30,0,21,0,1,1,2,.,1"], "a steady state stands for doses since ever"),
        (["1,0,30,0,0,0,0,1,2,.,1", "1,5,.,.,.,.,.,3,0,.,1"], "A patient is not reset"),
        (["1,0,30,0,0,0,0,1,2,.,1", "1,0,.,.,.,.,.,0,2,9,0"], "a forecast takes it for a trough"),
    ):
        (one,) = read_events(table(*rows), DAYS)
        with pytest.raises(BadInput, match=said):
            treatment_of(one)


def test_another_drug_is_not_written_as_immunoglobulin():
    other = Treatment((Dose(0.0, 0.3, Route.IV, drug="rozanolixizumab"),), (), None)
    with pytest.raises(BadInput, match="A table has one drug"):
        events_of("1", other, ADULT)


def test_a_route_without_a_compartment_is_not_written():
    made = events_of("1", Treatment((Dose(0.0, 30, Route.FACILITATED_SC),), (), None), ADULT)
    with pytest.raises(BadInput, match="names no compartment for this route"):
        write_events((made,), DAYS)


# ---- nothing is lost

amounts = st.floats(0.01, 200.0)
routes = st.sampled_from([Route.IV, Route.SC])
moments = st.floats(0.0, 4000.0).map(lambda day: round(day, 6)) | st.integers(0, 4000).map(float)


@st.composite
def treatments(draw) -> Treatment:
    days = draw(st.lists(moments, min_size=1, max_size=6, unique=True))
    doses = [
        Dose(day, draw(amounts), draw(routes), draw(st.sampled_from([0.0, 0.5, 1 / 3, 4.0, 72.1]))) for day in days
    ]
    start, every = draw(moments), draw(st.floats(1.0, 60.0) | st.integers(1, 60).map(float))
    course = replace(doses[0], over_h=draw(st.sampled_from([0.0, 3.3])))
    doses += [replace(course, day=start + n * every) for n in range(draw(st.integers(0, 5)))]
    doses.sort(key=lambda dose: dose.day)
    when = sorted(draw(st.lists(moments | st.sampled_from([dose.day for dose in doses]), max_size=5)))
    levels = [Level(day, draw(st.floats(0.01, 40.0)), draw(st.booleans())) for day in when]
    weights = draw(st.sampled_from([(), (Weighing(0.0, 20.0), Weighing(55.5, 24.25))]))
    return Treatment(tuple(doses), tuple(levels), None, weights)


@pytest.mark.parametrize("layout", [DAYS, HOURS], ids=["days, g, g/L", "hours, mg, mg/dL"])
@given(one=treatments())
def test_a_treatment_read_back_from_its_table_is_the_same(layout, one):
    subject = Subject(weights=one.weights, sex="male", age_years=7)
    first = min([dose.day for dose in one.doses] + [level.day for level in one.levels])
    text = write_events((events_of("A1", one, subject),), layout)
    (read,) = read_events(text, layout)
    back = treatment_of(read)
    key = [(dose.day, dose.amount_g, dose.route, dose.over_h) for dose in back.doses]
    assert sorted(key) == sorted((dose.day, dose.amount_g, dose.route, dose.over_h) for dose in one.doses)
    assert back.levels == one.levels
    assert read.id == "A1"
    for day in (first, 55.4, 55.5, 5000.0):
        assert read.subject.at(day) == subject.at(day)


def test_a_regimen_becomes_one_row_of_additional_doses_and_comes_back():
    regimen = read_regimen("iv 0.4 g/kg every 21 d over 4 h")
    made = events_of_regimen("1", regimen, ADULT, 84.0, every_d=21.0)
    text = write_events((made,), DAYS)
    assert "1,0,28,168,21,3,0,1,2,.,1,70" in text
    (read,) = read_events(text, DAYS)
    assert treatment_of(read).doses == regimen.doses(70.0, 84.0)


# ---- on the command line

UNITS = ["--time-unit", "days", "--amount-unit", "g", "--level-unit", "g/L", "--cmt", "1=sc,2=iv"]


def test_a_table_is_predicted_at_from_the_command_line(capsys, tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(table("1,0,30,0,21,0,1,1,2,.,1,70", "1,21,.,.,.,.,.,0,2,9,0,70", head=f"{HEAD},WT"))
    assert run(["kinetics", "events", str(path), *UNITS, "--model", "zhang2020"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "ID,TIME,EVID,DV,PRED"
    trough = expected("1,0,30,0,21,0,1,1,2,.,1", "1,21,.,.,.,.,.,0,2,9,0")[0] + BASELINE
    assert rows[1] == f"1,21,0,9,{trough:.6g}"


def test_a_table_becomes_records_that_forecast_reads(capsys, tmp_path):
    path = tmp_path / "events.csv"
    rows = ["1,0,28,168,28,5,0,1,2,.,1,70,40", "1,84,.,.,.,.,.,0,2,7.9,0,70,40", "1,168,.,.,.,.,.,0,2,8.3,0,70,40"]
    path.write_text(table(*rows, head=f"{HEAD},WT,AGE"))
    assert run(["kinetics", "events", str(path), *UNITS]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    record = tmp_path / "one.json"
    record.write_text(line)
    assert run(["forecast", str(record), "--indication", "primary-immunodeficiency", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert [level["observed"] for level in made["levels"]] == [7.9, 8.3]


@pytest.mark.parametrize(
    ("arguments", "code", "where"),
    [
        ([], 2, "TABLE"),
        (["--regimen", "iv 1 g/kg once"], 2, "--days"),
        (["--regimen", "iv 1 g/kg once", "--days", "9", "--model", "zhang2020"], 2, "--model"),
        (["--regimen", "iv 1 g/kg once", "--days", "9", "--drop", "EVID"], 4, "subject.weight_kg"),
        (["missing.csv"], 4, "TABLE"),
        (["missing.csv", "--cmt", "one=iv"], 2, "command line"),
    ],
)
def test_a_call_that_leaves_something_open_is_refused(capsys, arguments, code, where):
    assert run(["kinetics", "events", *UNITS, *arguments, "--json"][: None if where == "command line" else -1]) == code
    assert where in capsys.readouterr().err


@pytest.mark.parametrize("unit", [["--time-unit", "weeks"], ["--cmt", "1=sc,1=iv"], ["--cmt", "sc"], ["--sex", "0=m"]])
def test_units_and_codes_are_said_in_known_words(capsys, unit):
    options = dict(zip(UNITS[::2], UNITS[1::2], strict=True)) | {unit[0]: unit[1]}
    asked = ["kinetics", "events", "x.csv", *(word for pair in options.items() for word in pair)]
    assert run(asked) == 2
    assert unit[0] in capsys.readouterr().err
