"""Publishes to a thywill server from any Python program: a Django view, a cron job, a worker.

    from thywill.publisher import Publisher

    publisher = Publisher("https://chat.example.org/", "KEY")
    publisher.publish("chat", "lobby", {"text": "The backup is done."})

The key is one of the server's ``[publishing.keys]``. This file needs only the standard library and no other
file of thywill, so it can be copied into another project.

Each message has an id; if the caller passes none, the message gets a random one. A message whose answer was
lost has to be sent again, and the server recognizes it by its id:

    0.0 s   the message "7f3a…" is sent, and the connection breaks before the answer
    0.0 s   the message "7f3a…" is sent again; the server has it already, and answers with its position

A message is sent again until ``timeout`` is over, also when the server answers 503, because it restarts or
its database is away for a moment.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import os
import secrets
import ssl
import time
from collections import deque
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

PATH = "/thywill/publish"
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
"""Seconds before a message is sent again. The second try follows at once, since the kept connection may only
have been too old. Before the third try comes the first pause, and each later pause is twice as long."""
IDLE = 8
"""Connections that are kept open for the next messages."""
TRY_AGAIN = (502, 503, 504)
"""The statuses that a server, or a proxy before it, answers when it is away for a moment."""
BROKEN = (
    OSError,
    EOFError,
    ValueError,
    http.client.HTTPException,
    asyncio.LimitOverrunError,
    asyncio.TimeoutError,
)
"""The exceptions that a broken connection, or an answer that is no HTTP, raises."""
SHOWN = 200
"""How many characters of an unexpected answer the error repeats."""


class PublishError(Exception):
    """A message was refused, or no answer came in time.

    Args:
        status: the HTTP status of the answer; 0 if there was none.
        code: a short word: ``bad_key``, ``forbidden``, ``conflict``, ``malformed``, ``unavailable``, …;
            ``unreachable`` if there was no answer.
        message: a sentence for people.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class Destination:
    """The server's address, divided into what a request needs.

    Args:
        url: the server's address, such as ``http://127.0.0.1:8080/``; it may have a path.
        key: the publisher's key.

    Raises:
        ValueError: the address is not HTTP or HTTPS, or has no host; or the key cannot stand in a header.
    """

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not an address such as https://chat.example.org/")
        if not key or not key.isascii() or not key.isprintable():
            raise ValueError("a key is a text of printable ASCII characters")
        self.url = url
        self.host = parts.hostname
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None
        self.port = parts.port or (443 if self.tls else 80)
        self.path = parts.path.rstrip("/").removesuffix(PATH) + PATH
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.host_header = parts.netloc.rpartition("@")[2]


class Sending:
    """One call of a publisher: the body of its request, and what to do after each try.

    ``pause`` is how many seconds to wait before the next try.

    Args:
        place: the server.
        messages: the messages, as on the wire; a message without an id gets one.
        timeout: seconds that all tries may take together.
        now: seconds by a monotonic clock.

    Raises:
        TypeError, ValueError: the data is not JSON.
    """

    def __init__(
        self, place: Destination, messages: Iterable[Mapping[str, Any]], timeout: float, now: float
    ) -> None:
        numbered = [{"id": secrets.token_hex(16), **_without_none(each)} for each in messages]
        text = json.dumps({"messages": numbered}, allow_nan=False, separators=(",", ":"))
        self.body = text.encode()
        self.pause = 0.0
        self._count = len(numbered)
        self._place = place
        self._timeout = timeout
        self._ends = now + timeout
        self._failures = 0

    def left(self, now: float) -> float:
        """Return how many seconds are left for a try."""
        return max(self._ends - now, 0.001)

    def answered(self, status: int, body: bytes, now: float) -> list[int] | None:
        """Return the ids that the answer of a try has, or None to try again after ``pause`` seconds.

        Args:
            status, body: the answer.
            now: seconds by a monotonic clock.

        Raises:
            PublishError: the messages are refused for good, or there is no time left.
        """
        fields = _json_object(body)
        ids = fields.get("ids")
        if status == 200 and isinstance(ids, list) and len(ids) == self._count:
            return ids
        error = _error_of(status, fields, body)
        if status not in TRY_AGAIN:
            raise error
        retry = fields["error"].get("retry") if isinstance(fields.get("error"), dict) else None
        self._wait(now, error, retry if isinstance(retry, (int, float)) else None)
        return None

    def broke(self, reason: Exception, now: float) -> None:
        """Handle a try that got no answer: set ``pause`` for the next one.

        Args:
            reason: the exception of the connection.
            now: seconds by a monotonic clock.

        Raises:
            PublishError: there is no time left, or the server's certificate is wrong.
        """
        text = str(reason) or type(reason).__name__
        error = PublishError(
            0, "unreachable", f"{self._place.url} did not answer within {self._timeout:g} s: {text}"
        )
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise PublishError(0, "unreachable", f"{self._place.url}: {text}") from reason
        try:
            self._wait(now, error, None)
        except PublishError:
            raise error from reason

    def _wait(self, now: float, error: PublishError, seconds: float | None) -> None:
        self._failures += 1
        own = min(FIRST_PAUSE * 2.0 ** (self._failures - 2), LONGEST_PAUSE) if self._failures > 1 else 0.0
        self.pause = own if seconds is None else max(float(seconds), 0.0)
        if now + self.pause >= self._ends:
            raise error


class Publisher:
    """Publishes messages, and waits until the server has them. Several threads may share one publisher.

    Args:
        url: the server's address, such as ``http://127.0.0.1:8080/``.
        key: one of the keys in ``[publishing.keys]``.
        timeout: seconds that one call may take with all its tries.

    Raises:
        ValueError: the address or the key is not valid.
    """

    def __init__(self, url: str, key: str, timeout: float = 10.0) -> None:
        self._place = Destination(url, key)
        self._timeout = timeout
        self._idle: deque[http.client.HTTPConnection] = deque(maxlen=IDLE)
        self._process = os.getpid()

    def publish(
        self,
        application: str,
        channel: str,
        data: Any,
        id: str | None = None,  # noqa: A002 - its name on the wire
        key: str | None = None,
    ) -> int:
        """Publish to every client in a channel; return the id of the message on the wire.

        Args:
            application: the name of the application.
            channel: the channel's name.
            data: any JSON value.
            id: the publisher's id of the message, of at most 100 characters. A message with an id that was
                used before is the same message, and is not sent again.
            key: with the overflow policy ``conflate``, the message replaces a waiting one with the same key.

        Raises:
            PublishError: the message was refused, or the server did not answer in time.
            TypeError, ValueError: the data is not JSON.
        """
        return self.many([_to_channel(application, channel, data, id, key)])[0]

    def send(
        self,
        application: str,
        data: Any,
        client: str | None = None,
        session: str | None = None,
        user: str | None = None,
        id: str | None = None,  # noqa: A002 - its name on the wire
    ) -> int:
        """Send a message to one client, to all pages of one browser, or to all pages of one user.

        Args:
            application: the name of the application.
            data: any JSON value.
            client, session, user: the id of the receiver; pass exactly one of these.
            id: as for ``publish``.

        Raises:
            PublishError, ValueError: as for ``publish``.
            TypeError: there is not exactly one receiver, or the data is not JSON.
        """
        return self.many([_to_one(application, data, client, session, user, id)])[0]

    def many(self, messages: Iterable[Mapping[str, Any]]) -> list[int]:
        """Publish up to 1,000 messages, all of them or none; return their ids.

        Args:
            messages: dicts with ``application``, ``data`` and ``channel``, ``client``, ``session`` or
                ``user``; ``id`` and ``key`` as for ``publish``.

        Raises:
            PublishError, TypeError, ValueError: as for ``publish``.
        """
        call = Sending(self._place, messages, self._timeout, time.monotonic())
        while True:
            try:
                status, body = self._exchange(call)
            except BROKEN as error:
                self.close()
                call.broke(error, time.monotonic())
            else:
                ids = call.answered(status, body, time.monotonic())
                if ids is not None:
                    return ids
            time.sleep(call.pause)

    def close(self) -> None:
        """Close the connections that are kept open."""
        while self._idle:
            self._idle.pop().close()

    def __enter__(self) -> Publisher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _exchange(self, call: Sending) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            self._set_timeout(connection, call)
            connection.request("POST", self._place.path, call.body, self._place.headers)
            self._set_timeout(connection, call)
            response = connection.getresponse()
            body = response.read()
        except BaseException:
            connection.close()
            raise
        if connection.sock is None or len(self._idle) == IDLE:
            connection.close()
        else:
            self._idle.append(connection)
        return response.status, body

    def _connection(self) -> http.client.HTTPConnection:
        if self._process != os.getpid():  # a fork must not share connections with its parent
            self._process, self._idle = os.getpid(), deque(maxlen=IDLE)
        try:
            return self._idle.pop()
        except IndexError:
            place = self._place
        if place.tls:
            return http.client.HTTPSConnection(place.host, place.port, context=place.tls)
        return http.client.HTTPConnection(place.host, place.port)

    def _set_timeout(self, connection: http.client.HTTPConnection, call: Sending) -> None:
        connection.timeout = call.left(time.monotonic())
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)


class AsyncPublisher:
    """A ``Publisher`` for programs that run an asyncio loop; all calls have to come from one loop.

    Args:
        url, key, timeout: as for ``Publisher``.

    Raises:
        ValueError: the address or the key is not valid.
    """

    def __init__(self, url: str, key: str, timeout: float = 10.0) -> None:
        self._place = Destination(url, key)
        self._timeout = timeout
        self._idle: deque[Stream] = deque()

    async def publish(
        self,
        application: str,
        channel: str,
        data: Any,
        id: str | None = None,  # noqa: A002 - its name on the wire
        key: str | None = None,
    ) -> int:
        """Publish to every client in a channel; arguments, result and errors as for ``Publisher.publish``."""
        return (await self.many([_to_channel(application, channel, data, id, key)]))[0]

    async def send(
        self,
        application: str,
        data: Any,
        client: str | None = None,
        session: str | None = None,
        user: str | None = None,
        id: str | None = None,  # noqa: A002 - its name on the wire
    ) -> int:
        """Send to one client, session or user; arguments, result and errors as for ``Publisher.send``."""
        return (await self.many([_to_one(application, data, client, session, user, id)]))[0]

    async def many(self, messages: Iterable[Mapping[str, Any]]) -> list[int]:
        """Publish up to 1,000 messages, all or none; arguments, result, errors: see ``Publisher.many``."""
        call = Sending(self._place, messages, self._timeout, time.monotonic())
        while True:
            try:
                status, body = await asyncio.wait_for(self._exchange(call), call.left(time.monotonic()))
            except BROKEN as error:
                await self.close()
                call.broke(error, time.monotonic())
            else:
                ids = call.answered(status, body, time.monotonic())
                if ids is not None:
                    return ids
            await asyncio.sleep(call.pause)

    async def close(self) -> None:
        """Close the connections that are kept open."""
        while self._idle:
            self._idle.pop().close()

    async def __aenter__(self) -> AsyncPublisher:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _exchange(self, call: Sending) -> tuple[int, bytes]:
        stream = self._idle.pop() if self._idle else await Stream.open(self._place)
        try:
            status, body = await stream.exchange(call.body)
        except BaseException:
            stream.close()
            raise
        if stream.keeps and len(self._idle) < IDLE:
            self._idle.append(stream)
        else:
            stream.close()
        return status, body


class Stream:
    """One connection of an ``AsyncPublisher``. ``keeps`` says whether another request may follow.

    Args:
        place: the server.
        reader, writer: the two directions of the connection.
    """

    def __init__(
        self, place: Destination, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._place = place
        self._reader = reader
        self._writer = writer
        self.keeps = True

    @classmethod
    async def open(cls, place: Destination) -> Stream:
        """Return a new connection."""
        return cls(place, *await asyncio.open_connection(place.host, place.port, ssl=place.tls))

    async def exchange(self, body: bytes) -> tuple[int, bytes]:
        """Send a request; return the status and the body of its answer (RFC 9112, 6)."""
        fields = {"Host": self._place.host_header, "Content-Length": str(len(body)), **self._place.headers}
        lines = [f"POST {self._place.path} HTTP/1.1", *(f"{name}: {text}" for name, text in fields.items())]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await self._writer.drain()
        version, _, rest = (await self._reader.readuntil(b"\r\n")).partition(b" ")
        headers = http.client.parse_headers(io.BytesIO(await self._read_head()))
        self.keeps = version == b"HTTP/1.1" and headers.get("Connection", "").lower() != "close"
        return int(rest[:3]), await self._read_body(headers)

    async def _read_head(self) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n") and head != b"\r\n":
            head += await self._reader.readuntil(b"\r\n")
        return head

    async def _read_body(self, headers: http.client.HTTPMessage) -> bytes:
        if headers.get("Transfer-Encoding", "").lower() == "chunked":
            return await self._read_chunks()
        if "Content-Length" in headers:
            return await self._reader.readexactly(int(headers["Content-Length"]))
        self.keeps = False
        return await self._reader.read()

    async def _read_chunks(self) -> bytes:
        body = b""
        while size := int((await self._reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._read_head()  # the trailer
        return body

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


def _to_channel(
    application: str, channel: str, data: Any, message_id: str | None, key: str | None
) -> dict[str, Any]:
    return {"application": application, "channel": channel, "data": data, "id": message_id, "key": key}


def _to_one(
    application: str,
    data: Any,
    client: str | None,
    session: str | None,
    user: str | None,
    message_id: str | None,
) -> dict[str, Any]:
    receiver = {"client": client, "session": session, "user": user}
    if sum(each is not None for each in receiver.values()) != 1:
        raise TypeError("name one receiver: client, session or user")
    return {"application": application, "data": data, "id": message_id, **receiver}


def _without_none(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that were given a value; ``data`` may be None, which is JSON's null."""
    return {name: value for name, value in message.items() if value is not None or name == "data"}


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _error_of(status: int, fields: Mapping[str, Any], body: bytes) -> PublishError:
    error = fields.get("error")
    if isinstance(error, dict):
        return PublishError(status, str(error.get("code", "")), str(error.get("message", "")))
    text = body.decode("utf-8", "replace")[:SHOWN]
    return PublishError(status, "unexpected", f"the answer {status} is not from a thywill server: {text!r}")
