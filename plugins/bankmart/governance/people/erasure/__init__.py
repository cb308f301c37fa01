"""The right to be forgotten: request, approval, erasure, search for what is left, certificate."""
