"""What a person must put in words: a name, a reason. Nothing empty and nothing hidden."""

from __future__ import annotations

from ivigil.errors import BadInput, is_hidden

#: "x", "..." and "xxx" say nothing: so many different letters or digits are the least that can.
LEAST_LETTERS_OF_A_REASON = 2
#: A name or role is shown on every page; no person's is longer.
LONGEST_NAME = 120


def check_name(where: str, text: str, rule: str, remedy: str) -> None:
    """Refuse a name or role that is empty, too long to be one, or holds a sign nobody can see.

    Raises:
        BadInput: with ``rule`` and ``remedy`` where it is empty.
    """
    if len(text) > LONGEST_NAME:
        raise BadInput(
            where,
            text,
            f"A name or role has at most {LONGEST_NAME} characters.",
            "Write the name; a reason stands apart.",
        )
    _check(where, text, 1, rule, remedy)


def check_reason(where: str, text: str, rule: str, remedy: str) -> None:
    """Refuse a reason that says nothing or holds a sign nobody can see.

    Raises:
        BadInput: with ``rule`` and ``remedy`` where it says nothing.
    """
    _check(where, text, LEAST_LETTERS_OF_A_REASON, rule, remedy)


def _check(where: str, text: str, least: int, rule: str, remedy: str) -> None:
    hidden = next((sign for sign in text if is_hidden(sign)), None)
    if hidden is not None:
        raise BadInput(
            where,
            f"U+{ord(hidden):04X} in it",
            "What is recorded under a person's name stands on one line and holds no sign that cannot be seen.",
            "Type it anew.",
        )
    if len({sign.casefold() for sign in text if sign.isalnum()}) < least:
        raise BadInput(where, text, rule, remedy)
