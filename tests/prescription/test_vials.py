"""Vials against brute force, and the order of what is preferred."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import product as every
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ivigil.prescription.stock import StockRow, shelf_of
from ivigil.prescription.vials import DoseWindow, choose_vials, fewest_lots

DAY = date(2026, 11, 23)


def _window(prescribed: str | int, largest: str | int = 1000, *, down: bool = False) -> DoseWindow:
    dose = Decimal(prescribed)
    return DoseWindow(dose, dose * Decimal("0.9"), min(dose if down else dose * Decimal("1.1"), Decimal(largest)), down)


def _row(size: str | int, lot: str, count: int, expires: str = "2027-06-30", **more: Any) -> StockRow:
    return StockRow(
        product="p", size_g=Decimal(size), lot=lot, expires_on=date.fromisoformat(expires), count=count, **more
    )


def _counts(day) -> dict[Decimal, int]:
    return {vial.size_g: vial.count for vial in day.vials}


SIZES = st.lists(
    st.sampled_from(["0.5", "1", "2", "2.5", "5", "6", "10", "20", "30", "40"]), min_size=1, max_size=4, unique=True
)


@given(SIZES, st.integers(10, 700))
def test_unlimited_vials_equal_brute_force(sizes: list[str], tenths: int) -> None:
    grams = sorted((Decimal(size) for size in sizes), reverse=True)
    window = _window(str(Decimal(tenths) / 10))

    chosen = choose_vials(grams, window, 1, Decimal(0), Decimal("0.1"), None)

    tries = every(*(range(int(window.most_g // size) + 1) for size in grams[:3])) if len(grams) <= 3 else ()
    fitting = []
    for counts in tries:
        total = sum((n * size for n, size in zip(counts, grams, strict=True)), Decimal(0))
        if window.least_g <= total <= window.most_g and total > 0:
            fitting.append((abs(total - window.prescribed_g), total, sum(counts)))
    if len(grams) > 3:
        return
    if not fitting:
        assert chosen is None
        return
    distance, total, _ = min(fitting)
    assert chosen is not None
    assert chosen[0].given_g == total
    assert chosen[0].number_of_vials == min(row[2] for row in fitting if row[:2] == (distance, total))


@given(st.lists(st.integers(0, 6), min_size=3, max_size=3), st.integers(20, 600), st.integers(1, 3))
def test_vials_from_a_shelf_equal_brute_force(have: list[int], tenths: int, days: int) -> None:
    """Three sizes, one lot each: the least summed distance, then the fewest vials, over every way to fill the days."""
    sizes = [Decimal(20), Decimal(10), Decimal("2.5")]
    rows = [_row(str(size), f"L{size}", count) for size, count in zip(sizes, have, strict=True)]
    window = _window(str(Decimal(tenths) / 10))

    chosen = choose_vials(sizes, window, days, Decimal(0), Decimal("0.1"), shelf_of(rows, "p", DAY))

    options = [
        counts
        for counts in every(*(range(count + 1) for count in have))
        if window.least_g <= sum((n * s for n, s in zip(counts, sizes, strict=True)), Decimal(0)) <= window.most_g
    ]
    best = None
    for fill in every(options, repeat=days) if len(options) ** days < 20000 else ():
        if all(sum(column) <= count for column, count in zip(zip(*fill, strict=True), have, strict=True)):
            cost = (
                sum(
                    abs(sum(n * s for n, s in zip(counts, sizes, strict=True)) - window.prescribed_g) for counts in fill
                ),
                sum(map(sum, fill)),
            )
            best = cost if best is None else min(best, cost)
    if len(options) ** days >= 20000:
        return
    if best is None:
        assert chosen is None
        return
    assert chosen is not None
    assert (
        sum(abs(day.given_g - window.prescribed_g) for day in chosen),
        sum(day.number_of_vials for day in chosen),
    ) == best


def test_never_above_the_largest_dose_even_when_nearer() -> None:
    """82 g prescribed as the label's largest: 80 g, although 85 g with 5 g vials is as near in tolerance."""
    (day,) = choose_vials([Decimal(5), Decimal(40)], _window(82, largest=82), 1, Decimal(5), Decimal("0.1"), None) or ()

    assert day.given_g == 80


def test_nearest_or_always_down_by_policy() -> None:
    nearest = choose_vials([Decimal(5)], _window(28), 1, Decimal(0), Decimal("0.1"), None)
    down = choose_vials([Decimal(5)], _window("28.4", down=True), 1, Decimal(0), Decimal("0.1"), None)

    assert nearest is not None
    assert nearest[0].given_g == 30
    assert down is None  # 25 g is 12 % below
    at_least = choose_vials([Decimal(1), Decimal(5)], _window("28.4", down=True), 1, Decimal(0), Decimal("0.1"), None)
    assert at_least is not None
    assert at_least[0].given_g == 28


def test_a_tie_goes_to_the_lower_dose() -> None:
    (day,) = choose_vials([Decimal(5)], _window("27.5"), 1, Decimal(0), Decimal("0.1"), None) or ()

    assert day.given_g == 25


def test_a_part_vial_only_below_the_policys_dose_and_its_waste_is_shown() -> None:
    small = choose_vials([Decimal(5)], _window("3.23"), 1, Decimal(5), Decimal("0.1"), None)
    large = choose_vials([Decimal(5)], _window("7.4"), 1, Decimal(5), Decimal("0.1"), None)

    assert small is not None
    assert (small[0].given_g, small[0].waste_g, _counts(small[0])) == (
        Decimal("3.23"),
        Decimal("1.77"),
        {Decimal(5): 1},
    )
    assert large is None


def test_expired_quarantined_and_recalled_vials_are_never_used() -> None:
    rows = [
        _row(10, "old", 9, expires="2026-11-22"),
        _row(10, "held", 9, status="quarantined"),
        _row(10, "called", 9, status="recalled"),
        _row(10, "good", 2),
    ]

    assert choose_vials([Decimal(10)], _window(30), 1, Decimal(0), Decimal("0.1"), shelf_of(rows, "p", DAY)) is None
    (day,) = choose_vials([Decimal(10)], _window(20), 1, Decimal(0), Decimal("0.1"), shelf_of(rows, "p", DAY)) or ()
    assert [lot.lot for lot in day.vials[0].lots] == ["good"]


def test_fewest_lots_then_earliest_expiry() -> None:
    rows = [
        _row(10, "a", 1, "2027-01-01"),
        _row(10, "b", 2, "2027-02-01"),
        _row(10, "c", 3, "2027-03-01"),
        _row(10, "d", 4, "2027-04-01"),
    ]

    assert [(row.lot, n) for row, n in fewest_lots(rows, 3) or ()] == [("c", 3)]
    assert [(row.lot, n) for row, n in fewest_lots(rows, 5) or ()] == [("a", 1), ("d", 4)]
    assert fewest_lots(rows, 11) is None


def test_vials_are_not_shared_between_days() -> None:
    """Two days of 15 g from one 30 g vial and six of 5 g: the 30 g vial serves neither day."""
    rows = [_row(30, "big", 1), _row(5, "small", 6)]

    days = choose_vials([Decimal(5), Decimal(30)], _window(15), 2, Decimal(0), Decimal("0.1"), shelf_of(rows, "p", DAY))

    assert days is not None
    assert [_counts(day) for day in days] == [{Decimal(5): 3}, {Decimal(5): 3}]


def test_a_shelf_split_into_many_lots_answers_at_once() -> None:
    rows = [_row(size, f"{size}-{n}", 1, f"2027-01-{n % 28 + 1:02d}") for size in (1, 5, 10, 20) for n in range(40)]

    days = choose_vials(
        [Decimal(1), Decimal(5), Decimal(10), Decimal(20)],
        _window(82),
        5,
        Decimal(0),
        Decimal("0.1"),
        shelf_of(rows, "p", DAY),
    )

    assert days is not None
    assert all(day.given_g == 82 for day in days)
