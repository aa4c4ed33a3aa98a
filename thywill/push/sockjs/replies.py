"""The replies that carry frames to a browser: one frame each (``PollReply``), or many (``StreamReply``)."""

from __future__ import annotations

from typing import ClassVar, Protocol

from thywill.core.native import mypyc_attr
from thywill.http.message import Reply
from thywill.push.sockjs.frames import HEARTBEAT
from thywill.push.sockjs.transports import Wrap


class Source(Protocol):
    """Where the frames of a reply come from; it is called when something happens to the reply."""

    def blocked(self) -> None:
        """The browser has to read before more can be written."""
        ...

    def resumed(self) -> None:
        """The browser has read enough for more to be written."""
        ...

    def released(self) -> None:
        """The answer is complete: this reply takes no more frames."""
        ...

    def broken(self) -> None:
        """The connection broke before the answer was complete."""
        ...


@mypyc_attr(allow_interpreted_subclasses=True)
class FrameReply:
    """The reply to a request that waits for frames.

    Args:
        transport: the name of the request's transport.
        address: the browser's IP address.
        reply: the answer to the request.
        wrap: returns a frame in the transport's form.
    """

    __slots__ = ("_reply", "_wrap", "address", "source", "transport")

    streams: ClassVar[bool]
    """Whether one answer carries many frames."""

    blocks: bool = False
    """Whether the browser has to read the beginning of the answer before a frame is written."""

    def __init__(self, transport: str, address: str, reply: Reply, wrap: Wrap) -> None:
        self.transport = transport
        self.address = address
        self.source: Source | None = None
        self._reply = reply
        self._wrap = wrap

    def write(self, frame: bytes) -> None:
        """Write a frame; call the source if the answer is complete, or if the browser has to read first."""
        raise NotImplementedError

    def finish(self, *frames: bytes) -> None:
        """Write the last frames and end the answer; the source is not called."""
        raise NotImplementedError

    def end_early(self) -> None:
        """End the answer now: the session goes on with the browser's next request."""
        raise NotImplementedError

    def closed(self) -> None:
        """The connection has closed: ``thywill.http.message.Owner``."""
        source, self.source = self.source, None
        if source is not None:
            source.broken()

    def _release(self) -> None:
        source, self.source = self.source, None
        if source is not None:
            source.released()


class PollReply(FrameReply):
    """A reply with one frame.

    Args:
        head: the header lines of the answer.
    """

    __slots__ = ("_head",)

    streams = False

    def __init__(self, transport: str, address: str, reply: Reply, wrap: Wrap, head: bytes) -> None:
        super().__init__(transport, address, reply, wrap)
        self._head = head
        reply.owner = self

    def write(self, frame: bytes) -> None:
        # Released before the answer is sent: sending it may make the connection handle the next poll at once.
        self._release()
        self._reply.send(200, self._wrap(frame), self._head)

    def end_early(self) -> None:
        self.write(HEARTBEAT)

    def finish(self, *frames: bytes) -> None:
        (frame,) = frames
        self.source = None
        self._reply.send(200, self._wrap(frame), self._head)


class StreamReply(FrameReply):
    """A reply that carries frame after frame, until the answer is long enough.

    Args:
        limit: bytes of frames after which the answer ends.
    """

    __slots__ = ("_left", "blocks")

    streams = True

    def __init__(self, transport: str, address: str, reply: Reply, wrap: Wrap, limit: int) -> None:
        super().__init__(transport, address, reply, wrap)
        self._left = limit
        self.blocks = False

    def begin(self, head: bytes, prelude: bytes) -> None:
        """Begin the answer with its header lines and first bytes; sets ``blocks``."""
        self.blocks = not self._reply.begin(200, head, prelude, self)

    def write(self, frame: bytes) -> None:
        chunk = self._wrap(frame)
        self._left -= len(chunk)
        if not self._reply.write(chunk):
            if self.source is not None:
                self.source.blocked()
        elif self._left <= 0:
            self._complete()

    def end_early(self) -> None:
        self._complete()

    def writable(self) -> None:
        """The browser has read enough: ``thywill.http.message.Writer``."""
        self.blocks = False
        if self._left <= 0:
            self._complete()
        elif self.source is not None:
            self.source.resumed()

    def finish(self, *frames: bytes) -> None:
        self.source = None
        for frame in frames:
            self._reply.write(self._wrap(frame))
        self._reply.end()

    def _complete(self) -> None:
        self._release()
        self._reply.end()
