"""Rules beside every step and gates after it: builds, checks, publication."""
