"""Turns the outcomes of operations into results and errors for the code that waits for them."""

from __future__ import annotations

from thywill.errors import RequestError, Unavailable
from thywill.queue.shared.hub import Received
from thywill.queue.shared.operations import Accepted, Append, Outcome
from thywill.queue.shared.pipeline import Pipeline


async def appended(pipeline: Pipeline, operation: Append) -> int:
    """Append a message to the log; return its id.

    Raises:
        Unavailable: the message was not sent.
    """
    outcome = await pipeline.ask(operation)
    if isinstance(outcome, int):
        return outcome
    if isinstance(outcome, RequestError):
        raise outcome
    raise Unavailable("another server leads the application now", retry=1)


def report_accepted(then: Received, outcome: Outcome) -> None:
    """Call ``then`` of a send with the last accepted number, or with the error."""
    if isinstance(outcome, Accepted):
        then(outcome.received, outcome.fresh, None)
    elif isinstance(outcome, RequestError):
        then(0, 0, outcome)
    else:
        then(0, 0, Unavailable("messages cannot be stored at present", retry=1))
