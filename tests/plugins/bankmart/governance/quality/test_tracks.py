"""What a card's magnetic stripe holds is found, once is enough; nothing else is taken for it."""

from __future__ import annotations

import random

import pytest

from bankmart.governance.masking import data_classes, mask_example
from bankmart.governance.quality import content, likeness
from bankmart.governance.quality.likeness import KINDS

SECRET = [kind for kind in KINDS if kind.is_secret]
TRACKS = {
    "1": "%B6222021234567890^WANG/XIAO MING^2912201000000000?",
    "2": ";6222021234567890=29122010000000000?",
    "bare": "6222021234567890=29122010000000000",
    "chip": "6222021234567890D29122010000000000",
}
ORDINARY = ["none", "interested", "refused; later", "a=1?b=2", "%B", "order 20261031123=5"] * 300


def luhn(text):
    """The last digit replaced by one that is right."""
    return next(text[:-1] + digit for digit in "0123456789" if likeness.is_card_number(text[:-1] + digit))


CARD = luhn("6222021234567890")
FOUND = {name: track.replace("6222021234567890", CARD) for name, track in TRACKS.items()}


@pytest.mark.parametrize("name", ["1", "2"])
def test_one_track_among_thousands_of_texts_stops(name):
    (one,) = likeness.of_values([*ORDINARY, f"swiped {FOUND[name]} at the desk"], SECRET)
    assert one.kind.name == "card track data"
    assert one.stops
    assert CARD not in str(mask_example(one.values[0], one.kind.grade))


@pytest.mark.parametrize("name", ["bare", "chip"])
def test_without_its_sentinels_it_takes_a_few(name):
    cards = [luhn(f"62220212345{number:05d}") for number in range(3)]
    tracks = [FOUND[name].replace(CARD, card) for card in cards]
    (one,) = likeness.of_values([*ORDINARY, *tracks], SECRET)
    assert (one.kind.name, one.stops, one.count) == ("card track data without sentinels", True, 3)
    assert likeness.of_values([*ORDINARY, *tracks[:2]], SECRET) == []


def test_other_texts_of_the_same_shape_are_other_texts():
    chance = random.Random(7)
    for _ in range(20):
        orders = ["".join(chance.choices("0123456789", k=16)) + "=" + "".join(chance.choices("0123456789", k=17))
                  for _ in range(content.SAMPLE)]  # fmt: skip
        # What comes before the amount in a query, a formula, a log.
        links = [f"id={chance.randrange(10**16)}&at={chance.randrange(10**12)}?" for _ in range(content.SAMPLE)]
        assert likeness.of_values([*orders, *links], SECRET) == []


def test_no_class_may_hold_it_and_the_gate_says_so():
    known = data_classes()
    # Hidden from readers is not enough; a column whose values are tokens has none.
    for name, about in known.items():
        if name != "platform":
            assert bool(set(content._denied(known, name)) & set(SECRET)) == (not about.get("vault")), name
    column = content.Column("sources.crm__visit", "note", "behaviour.free_text", tuple(SECRET), "crm-team")
    node = content._node(column, likeness.of_values([FOUND["2"]], SECRET))
    assert (node.status, node.severity) == ("fail", "error")
    assert "category C3) may not enter the platform" in node.message
    assert "Give the column" not in node.message
    assert CARD not in node.message
