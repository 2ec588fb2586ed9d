"""Whole vials of one product for each day of a course: exact enumeration in whole milligrams.

For each infusion: the total nearest to the prescribed dose (or the nearest from below, by policy) within tolerance and
never above the largest dose; then the fewest vials; then, with a stock list, the fewest lots, the earliest expiry
first. Vials are never shared between days. A part vial is drawn only for doses below a stated size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache
from math import gcd

from ivigil.knowledge.policies import DosePolicy
from ivigil.prescription.plan import LotCount, VialCount
from ivigil.prescription.stock import Shelf, StockRow
from ivigil.quantities import MG_PER_G, TENTH

Counts = tuple[int, ...]
"""Number of vials per size, in the order of the sizes."""


@dataclass(frozen=True)
class DoseWindow:
    """What one infusion may weigh (g): prescribed, and the bounds within which whole vials count as that dose."""

    prescribed_g: Decimal
    least_g: Decimal
    most_g: Decimal
    down_only: bool = False

    @classmethod
    def around(cls, prescribed_g: Decimal, largest_g: Decimal, policy: DosePolicy) -> DoseWindow:
        """The window of a prescribed dose under a policy's tolerance and the label's largest dose."""
        slack = prescribed_g * policy.tolerance_fraction.value
        down_only = policy.rounding.value == "down"
        most = min(prescribed_g if down_only else prescribed_g + slack, largest_g)
        return cls(prescribed_g, prescribed_g - slack, most, down_only)


@dataclass(frozen=True)
class Day:
    """Vials of one infusion. ``given_g`` is what the patient gets, ``waste_g`` what stays in a part vial."""

    vials: tuple[VialCount, ...]
    given_g: Decimal
    waste_g: Decimal

    @property
    def number_of_vials(self) -> int:
        """All vials opened."""
        return sum(vial.count for vial in self.vials)


def choose_vials(
    sizes_g: Sequence[Decimal],
    window: DoseWindow,
    days: int,
    part_vial_below_g: Decimal,
    concentration_g_per_ml: Decimal,
    shelf: Shelf | None,
) -> tuple[Day, ...] | None:
    """Vials for each of ``days`` equal infusions, or None if no combination fits.

    Args:
        sizes_g: vial sizes of the product.
        window: what one infusion may weigh.
        days: number of infusions.
        part_vial_below_g: a part vial may be drawn for a prescribed dose below this (g).
        concentration_g_per_ml: to keep a part vial's volume in whole tenths of mL.
        shelf: usable stock, or None for unlimited vials.
    """
    whole = _whole_unlimited(sizes_g, window, days) if shelf is None else _whole_from(shelf, window, days)
    if whole is not None or window.prescribed_g >= part_vial_below_g:
        return whole
    return _part_vial(sizes_g, window, days, concentration_g_per_ml, shelf)


# ---- unlimited vials


def _whole_unlimited(sizes_g: Sequence[Decimal], window: DoseWindow, days: int) -> tuple[Day, ...] | None:
    sizes, in_mg = _largest_first(tuple(sizes_g))
    counts = _best_unlimited(in_mg, _mg(window.prescribed_g), _up(window.least_g), _mg(window.most_g))
    return None if counts is None else (_day(sizes, counts),) * days


@lru_cache(maxsize=256)
def _largest_first(sizes_g: tuple[Decimal, ...]) -> tuple[tuple[Decimal, ...], Counts]:
    """A product's vial sizes, in g and in mg."""
    sizes = tuple(sorted(sizes_g, reverse=True))
    return sizes, _in_mg(sizes)


@lru_cache(maxsize=4096)
def _best_unlimited(sizes: Counts, prescribed: int, least: int, most: int) -> Counts | None:
    """The counts whose total lies nearest to ``prescribed`` within the bounds, with the fewest vials (all in mg)."""
    if most < least or most <= 0:
        return None
    unit = gcd(*sizes)
    totals = range(-(-least // unit), most // unit + 1)
    table = _fewest_vials(tuple(size // unit for size in sizes), _table_size(most // unit))
    reachable = [total for total in totals if total > 0 and table[total] is not None]
    if not reachable:
        return None
    # A tie between one below and one above goes to the lower dose.
    best = min(reachable, key=lambda total: (abs(total * unit - prescribed), total))
    return table[best]


def _table_size(largest: int) -> int:
    """Table lengths in powers of two, so that one table serves many doses."""
    return 1 << max(6, largest.bit_length())


@lru_cache(maxsize=128)
def _fewest_vials(sizes: Counts, length: int) -> tuple[Counts | None, ...]:
    """For every total below ``length`` the counts with the fewest vials; larger vials first where that ties."""
    none_yet: Counts = (0,) * len(sizes)
    table: list[Counts | None] = [none_yet]
    for total in range(1, length):
        ways = []
        for place, size in enumerate(sizes):
            before = table[total - size] if size <= total else None
            if before is not None:
                ways.append(tuple(count + (position == place) for position, count in enumerate(before)))
        table.append(min(ways, key=lambda counts: (sum(counts), tuple(-count for count in counts)), default=None))
    return tuple(table)


# ---- vials from a shelf


def _whole_from(shelf: Shelf, window: DoseWindow, days: int) -> tuple[Day, ...] | None:
    """Branch and bound over the days: least distance from the dose in all, then fewest vials, then fewest lots.

    The search is exact within ``NODES``; a shelf so split up that more would be needed yields the best found by then.
    """
    sizes = tuple(sorted(shelf, reverse=True))
    in_mg = _in_mg(sizes)
    have = tuple(sum(row.count for row in shelf[size]) for size in sizes)
    prescribed, least, most = _mg(window.prescribed_g), _up(window.least_g), _mg(window.most_g)

    def floor_cost(counts: Counts) -> Cost:
        return abs(_total(in_mg, counts) - prescribed), sum(counts), sum(1 for count in counts if count)

    options = sorted(
        _within(in_mg, have, least, most), key=lambda counts: (floor_cost(counts), tuple(-n for n in counts))
    )
    if not options:
        return None
    floors = [floor_cost(counts) for counts in options]
    best: list[tuple[Cost, tuple[Day, ...]]] = []
    nodes = 0

    def descend(start: int, rows: Shelf, spent: Cost, chosen: tuple[Day, ...]) -> None:
        nonlocal nodes
        to_go = days - len(chosen)
        if not to_go:
            best[:] = [(spent, chosen)]
            return
        # Days are alike, so options are taken in order: a later day never takes an earlier option.
        for place in range(start, len(options)):
            if best and _add(spent, floors[place], to_go) >= best[0][0]:
                return  # options are sorted: what follows is no better
            if nodes >= NODES:
                return
            nodes += 1
            taken = _take(sizes, options[place], rows)
            if taken is not None:
                day, left = taken
                lots = sum(len(vial.lots) for vial in day.vials)
                descend(place, left, _add(spent, (*floors[place][:2], lots), 1), (*chosen, day))

    descend(0, shelf, (0, 0, 0), ())
    return best[0][1] if best else None


Cost = tuple[int, int, int]
"""Milligrams away from the prescribed dose, vials, lots: compared in this order."""

NODES = 20_000


def _add(cost: Cost, one: Cost, times: int) -> Cost:
    return cost[0] + times * one[0], cost[1] + times * one[1], cost[2] + times * one[2]


def _within(sizes: Counts, have: Counts, least: int, most: int) -> Iterator[Counts]:
    """Every way to reach a total within the bounds with the vials there are."""
    if most < 0 or sum(size * count for size, count in zip(sizes, have, strict=True)) < least:
        return
    if not sizes:
        yield ()
        return
    for count in range(min(have[0], most // sizes[0]), -1, -1):
        taken = count * sizes[0]
        for below in _within(sizes[1:], have[1:], least - taken, most - taken):
            yield (count, *below)


def _take(sizes: Sequence[Decimal], counts: Counts, shelf: Shelf) -> tuple[Day, Shelf] | None:
    """The day's vials with their lots, and what the shelf then holds; None if the shelf is short."""
    vials, left = [], dict(shelf)
    for size, count in zip(sizes, counts, strict=True):
        if not count:
            continue
        taken = fewest_lots(shelf[size], count)
        if taken is None:
            return None
        used = {row.lot: number for row, number in taken}
        left[size] = tuple(
            row.model_copy(update={"count": row.count - used.get(row.lot, 0)})
            for row in shelf[size]
            if row.count > used.get(row.lot, 0)
        )
        lots = tuple(LotCount(lot=row.lot, count=number, expires_on=row.expires_on) for row, number in taken)
        vials.append(VialCount(size_g=size, count=count, lots=lots))
    return Day(tuple(vials), sum((vial.size_g * vial.count for vial in vials), Decimal(0)), Decimal(0)), left


def fewest_lots(rows: Sequence[StockRow], count: int) -> tuple[tuple[StockRow, int], ...] | None:
    """Lots (given earliest expiry first) to take ``count`` vials from: as few as can be, and of those the earliest.

    None if all rows together hold fewer.
    """
    largest = sorted((row.count for row in rows), reverse=True)
    number = next((n for n in range(1, len(rows) + 1) if sum(largest[:n]) >= count), None)
    if number is None:
        return None
    taken: list[tuple[StockRow, int]] = []
    start, left = 0, count
    for still in range(number - 1, -1, -1):
        # The earliest row that leaves enough in the best `still` rows after it.
        for place in range(start, len(rows)):
            rest = sorted((row.count for row in rows[place + 1 :]), reverse=True)[:still]
            if rows[place].count + sum(rest) >= left:
                drawn = min(rows[place].count, left)
                taken.append((rows[place], drawn))
                start, left = place + 1, left - drawn
                break
    return tuple((row, drawn) for row, drawn in taken if drawn)


# ---- part vial


def _part_vial(
    sizes_g: Sequence[Decimal], window: DoseWindow, days: int, concentration_g_per_ml: Decimal, shelf: Shelf | None
) -> tuple[Day, ...] | None:
    """The exact dose out of the fewest grams opened; the rest of the last vial is waste."""
    # A volume in whole tenths of mL, so that the syringe and the pump can be set to it.
    volume_ml = (min(window.prescribed_g, window.most_g) / concentration_g_per_ml).quantize(TENTH, rounding=ROUND_DOWN)
    given = volume_ml * concentration_g_per_ml
    if given <= 0 or not window.least_g <= given <= window.most_g:
        return None  # too little to measure, or too far from the prescribed dose
    ceiling = given + max(sizes_g)
    opened = DoseWindow(given, given, ceiling)
    whole = _whole_unlimited(sizes_g, opened, days) if shelf is None else _whole_from(shelf, opened, days)
    if whole is None:
        return None
    return tuple(Day(day.vials, given, day.given_g - given) for day in whole)


# ---- whole milligrams


def _mg(mass_g: Decimal) -> int:
    return int((mass_g * MG_PER_G).to_integral_value(rounding=ROUND_DOWN))


def _up(mass_g: Decimal) -> int:
    return -int((-mass_g * MG_PER_G).to_integral_value(rounding="ROUND_FLOOR"))


def _in_mg(sizes_g: Sequence[Decimal]) -> Counts:
    return tuple(_mg(size) for size in sizes_g)


def _total(sizes: Counts, counts: Counts) -> int:
    return sum(size * count for size, count in zip(sizes, counts, strict=True))


@lru_cache(maxsize=4096)
def _day(sizes_g: tuple[Decimal, ...], counts: Counts) -> Day:
    vials = tuple(VialCount(size_g=size, count=count) for size, count in zip(sizes_g, counts, strict=True) if count)
    return Day(vials, sum((vial.size_g * vial.count for vial in vials), Decimal(0)), Decimal(0))
