"""``POST /thywill/publish`` takes messages from outside, and answers with their ids when they are stored.

A request passes these checks, in this order, so that a request with a wrong key costs little work:

    keys.py                       the key: 401, and 429 after some wrong ones
    reading.py                    the body, and the applications that the key is for: 400, 403, 404, 413
    the queue's ``publish``       an id that was used before: 409; the messages cannot be stored: 503
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

from thywill.application_interface.base import ApplicationInterface
from thywill.component import Component
from thywill.core.envelope import encode_object
from thywill.core.measures import Measures
from thywill.core.nearest import hint
from thywill.core.publication import Publication
from thywill.errors import Draining, Malformed, MethodNotAllowed, Reused
from thywill.http.message import Reply
from thywill.http.request import Request
from thywill.http.site import Endpoint, Refuse
from thywill.publishing.keys import Caller, Keys, PublishingKey, require_key
from thywill.publishing.reading import Reader, numbered
from thywill.publishing.settings import PublishingSettings, key_of
from thywill.wire.endpoint import refuse_encoded

log = logging.getLogger(__name__)

Publish = Callable[[Sequence[Publication]], Awaitable[list[int]]]
"""Sends messages, all of them or none: ``thywill.hub.ports.MessageQueue.publish``."""

ADDRESS = b"/thywill/publish"
DRAINING_RETRY = 1.0
"""Seconds after which a publisher shall try again when this server stops: the next one may run by then."""
SHORT = 12
"""A key with fewer characters can be guessed by somebody who has enough addresses."""


class Publishing(Component):
    """Answers requests to publish, and counts them.

    Args:
        settings: the section ``[publishing]``.
        publish: the method ``publish`` of the queue.
        draining: returns whether the server is about to stop.
        applications: the applications that may be published to.
        message: the largest message, in bytes of JSON.
        refuse: logs and counts the error of a refused request, and returns its answer.
    """

    Settings: ClassVar[type[Any]] = PublishingSettings

    def __init__(
        self,
        settings: PublishingSettings,
        publish: Publish,
        draining: Callable[[], bool],
        applications: ApplicationInterface,
        message: int,
        refuse: Refuse,
    ) -> None:
        self._settings = settings
        self._publish = publish
        self._draining = draining
        self._applications = {name for name, page in applications.pages().items() if not page.is_front}
        self._keys = Keys(settings.keys)
        self._reader = Reader(self._applications, message, applications.overflow_of)
        self._refuse = refuse
        self._tasks: set[asyncio.Task[None]] = set()
        self._published: Counter[tuple[str, str]] = Counter()

    async def start(self) -> None:
        """Warn of keys that are easy to guess, or that are for applications that do not exist."""
        for name, each in self._settings.keys.items():
            if len(key_of(each)) < SHORT:
                log.warning("[publishing] keys: the key of %s is easy to guess: openssl rand -hex 16", name)
        for key in self._keys:
            for application in sorted((key.applications or frozenset()) - self._applications):
                meant = hint(application, self._applications)
                text = "[publishing] keys: %s names %r, which is no application%s"
                log.warning(text, key.name, application, meant)

    async def stop(self) -> None:
        """Wait for the publications that are being saved."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def endpoints(self) -> Mapping[bytes, Endpoint]:
        """Return the endpoint, by its path."""
        return {ADDRESS: PublishEndpoint(self, self._settings.max_body)}

    def measure(self, measures: Measures) -> None:
        for (key, application), count in self._published.items():
            text = "Messages from outside, by the name of the key; a repeated one counts again."
            measures.counter("thywill_published_total", text, count, key=key, application=application)
        text = "Requests to publish with a wrong key."
        measures.counter("thywill_publish_wrong_keys_total", text, self._keys.wrong)

    def answer(self, request: Request, reply: Reply) -> None:
        """Answer a request when its messages are stored.

        Raises:
            RequestError: the request is refused.
        """
        if request.method != b"POST":
            raise MethodNotAllowed("only POST is allowed here", "POST")
        key = self._keys.find(_caller(request), time.monotonic())
        if self._draining():
            raise Draining("the server is about to stop", retry=DRAINING_RETRY)
        publications = self._read(request, key)
        task = asyncio.get_running_loop().create_task(
            self._answer_when_safe(key, publications, request, reply)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _read(self, request: Request, key: PublishingKey) -> list[Publication]:
        try:
            return self._reader.read(request.body, key.check)
        except Malformed:
            refuse_encoded(request)
            raise

    async def _answer_when_safe(
        self, key: PublishingKey, publications: Sequence[Publication], request: Request, reply: Reply
    ) -> None:
        try:
            ids = await self._publish(publications)
        except Exception as error:  # noqa: BLE001 - refuse logs unexpected errors
            named = numbered(error, error.index) if isinstance(error, Reused) else error
            reply.send(*self._refuse(named, request))
            return
        self._published.update((key.name, each.application) for each in publications)
        reply.send(200, encode_object({"ids": ids}))


class PublishEndpoint:
    """The endpoint, with a limit of its own for bodies.

    Args:
        publishing: answers the requests.
        max_body: the largest body, in bytes.
    """

    def __init__(self, publishing: Publishing, max_body: int) -> None:
        self._publishing = publishing
        self._max_body = max_body

    def body_limit(self, request: Request) -> int:
        """Return how many bytes the body of ``request`` may have; called before the body is read.

        Only a missing key is refused here. A wrong key is refused later, because wrong keys are counted by
        the publisher's address, which is not known yet.

        Raises:
            BadKey: the request has no key.
        """
        require_key(_authorization(request))
        return self._max_body

    def __call__(self, request: Request, reply: Reply) -> None:
        self._publishing.answer(request, reply)


def _caller(request: Request) -> Caller:
    return Caller(request.peer, request.header(b"x-forwarded-for") is not None, _authorization(request))


def _authorization(request: Request) -> str:
    return (request.header(b"authorization") or b"").decode("latin-1")
