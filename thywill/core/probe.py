"""How requests of ``run.py doctor`` are recognized: what they provoke is no trouble."""

from __future__ import annotations

AGENT = "thywill-doctor"
"""The header User-Agent of all of them."""
TOKEN = "doctor"  # noqa: S105 - no token, but what stands in the place of one
"""Sent in place of a token: the refusal shows that the request got through, and no client is created."""
COUNTED = "doctor"
"""What refusals of these requests are counted as, in place of their code."""
