"""A card's track data are refused by the loader, record by record, and kept nowhere: not in the quarantine either."""

from __future__ import annotations

import pytest

from bankmart.governance.quality.likeness import is_card_number

PAYMENT = "card.card_transaction"
CARD = next(f"622202123456789{digit}" for digit in range(10) if is_card_number(f"622202123456789{digit}"))
TRACKS = (f"%B{CARD}^WANG/XIAO MING^2912201000000000?", f"swiped ;{CARD}=29122010000000000? at the desk")
ORDINARY = (f"card {CARD}", "order ;20261031123456=5", ";1234567890123456=2912201000?", "100%B", "a;b=c")


@pytest.mark.parametrize("track", TRACKS)
@pytest.mark.parametrize("more", [{}, {"amount": "", "transaction_date": "soon"}])
def test_a_track_is_not_loaded_and_not_kept(loaded, track, more):
    """Whatever else is wrong with its record."""
    rows = loaded.payments(300)
    rows[7] |= {"merchant_name": track} | more
    for number, text in enumerate(ORDINARY):
        rows[20 + number]["merchant_name"] = text
    loaded.send(PAYMENT, rows, control_totals={"amount": str(sum(float(row["amount"] or 0) for row in rows))})
    (done,) = [each for each in loaded.load().tables if each.status == "loaded"]
    assert (done.read, done.accepted, done.rejected) == (300, 299, 1)
    ((line, column, rule, raw, reason),) = loaded.quarantine()
    assert (line, column, rule) == (9, "merchant_name", "track")
    assert "not kept" in raw
    assert "nobody may keep" in reason
    assert CARD not in raw + reason
    assert set(ORDINARY) <= set(loaded.column(PAYMENT, "merchant_name"))
