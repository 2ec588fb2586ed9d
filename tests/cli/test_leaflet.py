"""``ivigil leaflet`` and ``ivigil summary`` as commands."""

from __future__ import annotations

import pytest
import typer

from ivigil.cli import leaflet as commands
from ivigil.documents.leaflet_html import leaflet_html
from ivigil.errors import BadInput, UsageError
from ivigil.prescription.plan import as_json, identified
from tests import planning
from tests.documents import plans


@pytest.fixture
def run(tmp_path):
    """The two commands as typer calls them, on a plan that lies in a file."""
    app = typer.Typer()
    app.command("leaflet")(commands.leaflet_command)
    app.command("summary")(commands.summary_command)

    def call(command, plan, *arguments):
        path = tmp_path / "plan.json"
        path.write_text(as_json(plan), "utf-8")
        return app([command, str(path), *arguments], standalone_mode=False)

    return call


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("paper", ["a4", "us-letter"])
def test_a_real_plan_becomes_a_pdf(run, tmp_path, lang, paper):
    made = planning.plan(planning.record(), "primary-immunodeficiency", product="privigen")
    run("leaflet", made, "--lang", lang, "--paper", paper, "--phone", "1", "--pdf", str(tmp_path / "l.pdf"))
    assert (tmp_path / "l.pdf").read_bytes().startswith(b"%PDF")


def test_the_page_shows_the_product_of_the_plan_and_its_own_facts(run, tmp_path):
    made = planning.plan(planning.record(), "primary-immunodeficiency", product="privigen")
    run("leaflet", made, "--html", str(tmp_path / "l.html"))
    page = (tmp_path / "l.html").read_text("utf-8")
    assert made.prescription is not None
    assert made.prescription.brand in page
    assert "Each batch of your medicine" in page


def test_a_product_that_the_facts_do_not_hold_gets_the_general_words():
    made = plans.one_day()
    page = leaflet_html(made, commands._facts(made, planning.opened()), "en", None, None)
    assert "In the US, it must be made" in page


@pytest.mark.parametrize("command", [("leaflet", "--html"), ("summary", "--pdf")])
def test_a_plan_that_was_altered_is_explained_to_nobody(run, tmp_path, command):
    made = planning.plan(planning.record(), "primary-immunodeficiency", product="privigen")
    assert made.prescription is not None
    more = made.prescription.model_copy(update={"course_dose_g": made.prescription.course_dose_g * 2})
    altered = identified(made.model_copy(update={"prescription": more}))
    with pytest.raises(BadInput, match="does not hold"):
        run(command[0], altered, command[1], str(tmp_path / "x"))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("options", [(), ("--pdf", "a.pdf", "--html", "a.html")])
def test_one_kind_of_file_is_asked_for(run, options):
    with pytest.raises(UsageError, match="--pdf or --html"):
        run("leaflet", plans.one_day(), *options)


def test_a_blocked_plan_gives_no_leaflet_but_a_summary(run, tmp_path):
    with pytest.raises(BadInput, match="nothing to tell a patient"):
        run("leaflet", plans.blocked(), "--pdf", str(tmp_path / "l.pdf"))
    assert not (tmp_path / "l.pdf").exists()
    run("summary", plans.blocked(), "--pdf", str(tmp_path / "s.pdf"))
    assert (tmp_path / "s.pdf").read_bytes().startswith(b"%PDF")


def test_a_file_that_cannot_be_written_is_told(run, tmp_path):
    with pytest.raises(BadInput, match="cannot be written"):
        run("summary", plans.one_day(), "--pdf", str(tmp_path / "no" / "s.pdf"))
