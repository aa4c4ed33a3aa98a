"""How requests of ``run.py doctor`` are recognized, so that their errors are not counted as trouble."""

from __future__ import annotations

AGENT = "thywill-doctor"
"""The User-Agent header of these requests."""
TOKEN = "doctor"  # noqa: S105 - not a real token
"""Sent instead of a token: the refusal shows that the request got through, and no client is created."""
COUNTED = "doctor"
"""The name under which refusals of these requests are counted, instead of their code."""
