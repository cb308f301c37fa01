"""Names of columns that authenticate a person (category C3 of JR/T 0171): what has no form is known by its name."""

from __future__ import annotations

import re

# Whole words of a name: `pin_block`, `card_cvn2`, not `pinned` or `spin_count`.
WORDS = (
    "cvn2?|cvv2?|cvc2?|cav2|icvv|track[123]|track_data|magstripe|pin|pinblock|pwd|passwd|password|passcode|passphrase|otp|totp|"
    "fingerprint|faceprint|voiceprint|iris|biometrics?|valid_thru|valid_through"
)
PHRASES = (
    "card_(?:expiry|expires?|expiration)(?:_date)?|expiry_of_card|verification_(?:code|number)|"
    "one_time_(?:code|password)|sms_code|auth_code_sms|face_template|security_(?:code|answer)"
)
SECRET = re.compile(rf"(?:^|_)(?:{WORDS}|{PHRASES})(?:_|$)", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Whether a column of this name would hold a card's verification number, track, PIN, password or the like."""
    return SECRET.search(name) is not None
