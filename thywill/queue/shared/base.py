"""The contract of the store that the servers of a cluster share.

For each application the store has a **log** of what happens to all clients, in one order: messages, changes
of membership, ends of clients. Every server reads it. The store also has an **inbox** of steps
(``hub.step``), which only the application's leader reads, and a row for each client. In this example page A
is parked at server 1, sends "hi" to server 2, and server 3 leads the application.

    2   Accept(A, [(7, "hi")])           A's row: received 7      inbox: step (A, 7)
    2   answers A {"received": 7}
    3   reads the inbox, runs the hook, which publishes in "lobby"
    3   Append(cause (A, 7, …), "lobby")  log: id 40               the id 40 is remembered for the step (A, 7)
    1   reads the log, and answers A's parked poll with 40
    3   Finish(A, 7)                     A's row: handled 7       inbox: without the step, id 40 forgotten
    1   Renew([(A, 40)])                 A needs nothing of the log up to 40
    3   Trim                             log: without entries that nobody needs

**Each operation is atomic**: it happens as a whole or not at all, whatever other servers do. ``execute`` runs
a batch in order. If the connection breaks meanwhile, nobody knows which operations of the batch have
happened, and the caller executes the batch again. So each operation in ``operations.py`` says what a repeat
of it does. Once the repeat of a batch was executed, the store refuses the first one if it arrives late: an
``Append`` that comes after the ``Finish`` of its step would be a second message.

**The leader's operations carry its fence**, a number that grows with each election. When another server has
been elected, they do nothing and are answered with ``NotLeader``. Operations of any server have no fence
(``fence=None``).

**A store may be rolled back**, as when a replica takes over that had not received everything. The store adds
a ``Rewound`` entry to the log as soon as it notices. That ends all clients that were there before, and the
term of the leader.

**Times** are seconds. Leases and ages are measured by the store's clock, never by a server's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence

from thywill.core.history import HistoryMessage
from thywill.errors import ThywillError
from thywill.queue.shared.operations import Operation, Outcome
from thywill.queue.shared.rows import ClientRow, Election, Heartbeat, InboxEntry, LogEntry


class StoreUnavailable(ThywillError):
    """The store cannot be reached, or refuses a batch. The text is the reason, in one line.

    Args:
        reason: the reason.
        unsure: whether operations of the batch may have been executed all the same. If not, none was.
    """

    def __init__(self, reason: str, *, unsure: bool = False) -> None:
        super().__init__(reason)
        self.unsure = unsure


class SharedStore(ABC):
    """The store that the servers of a cluster share; each server has one such object.

    Every method but ``start`` raises ``StoreUnavailable`` while the store cannot be reached.
    """

    @abstractmethod
    async def start(self, server: Heartbeat) -> None:
        """Connect, and check that the store can be used.

        Args:
            server: the server. Servers that share a store need the same ``secret``.

        Raises:
            SettingsError: the store cannot be reached or used; the line says what to change.
        """

    async def warnings(self) -> list[str]:
        """Return a line for each weakness that makes the store less safe; it need not be started.

        Raises:
            SettingsError: the store cannot be reached or used; the line says what to change.
        """
        return []

    @abstractmethod
    async def stop(self) -> None:
        """Close all connections. The server's row is deleted."""

    @abstractmethod
    async def execute(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Execute a batch, and return the outcome of each operation.

        Operations of one application are executed in order.

        Raises:
            StoreUnavailable: the batch failed; see ``StoreUnavailable.unsure``.
        """

    @abstractmethod
    async def read_log(self, after: Mapping[str, int], block: float) -> list[LogEntry]:
        """Return the next entries of several applications, in order for each; wait if there are none.

        Args:
            after: for each application, the id after which to read.
            block: how many seconds to wait; after that the list is empty.
        """

    @abstractmethod
    async def read_inbox(self, application: str, after: str, block: float) -> list[InboxEntry]:
        """Return the next steps of an application, in order; wait up to ``block`` seconds if there are none.

        Args:
            application: the name of the application.
            after: the ``id`` of the last entry that was read; "" reads from the first unfinished step.
            block: how many seconds to wait; after that the list is empty.
        """

    @abstractmethod
    async def range(self, application: str, after: int, until: int) -> list[LogEntry]:
        """Return the entries of the log with ids above ``after`` and up to ``until``."""

    @abstractmethod
    async def last(self, application: str) -> int:
        """Return the last id of the log, even if its entry is deleted; 0 if the log never had an entry."""

    @abstractmethod
    async def trimmed(self, application: str) -> int:
        """Return the id up to which entries of the log may be deleted."""

    @abstractmethod
    async def roster(self, application: str) -> list[ClientRow]:
        """Return all clients that have connected and whose last step has not ended."""

    @abstractmethod
    async def histories(self, application: str) -> list[tuple[str, HistoryMessage]]:
        """Return the histories of all channels: pairs of channel and message, in order for each channel."""

    @abstractmethod
    async def elect(
        self, application: str, server: str, seconds: float, *, fence: int = 0, stands: bool = True
    ) -> Election:
        """Let ``server`` lead the application for ``seconds``, if it leads already or no server does.

        Args:
            application: the name of the application.
            server: the name of the server.
            seconds: how long the lease lasts.
            fence: the fence of the lead that the server goes on with; 0 if it begins a lead. A lead that
                begins gets another fence, also if the server has led before and that lease has not passed:
                fence and number identify a message outside of steps, and each lead counts them from 1.
            stands: whether the server takes the lead if it is free. If not, and the lead is free,
                ``Election.leader`` is "".
        """

    @abstractmethod
    async def resign(self, application: str, fence: int) -> None:
        """End the lead with this fence, so that another server can be elected at once.

        Nothing happens if another server has been elected meanwhile.
        """

    @abstractmethod
    async def client(self, application: str, client_id: str) -> ClientRow | None:
        """Return one client, wherever it is; None if the store has no such client."""

    @abstractmethod
    def listen(self, claimed: Callable[[str], None], received: Callable[[bytes], None]) -> None:
        """Set the functions that are called at news from other servers. A call may get lost.

        Args:
            claimed: called with the id of each client that another server has claimed from this one. If the
                call gets lost, the outcome of ``Renew`` has the id.
            received: called with each note that another server has sent by ``send``.
        """

    @abstractmethod
    async def send(self, notes: Sequence[tuple[str, bytes]]) -> Collection[str]:
        """Send notes in order, each to the server of that name.

        Returns:
            The servers that have missed a note, because they do not listen.
        """

    @abstractmethod
    async def take_name(self, name: str, server: str, seconds: float, *, instead_of: str = "") -> str:
        """Return the server that holds ``name``, such as the name of a SockJS session.

        If no server holds the name, or the server ``instead_of`` does, ``server`` holds it from now on. The
        name is forgotten after ``seconds``.
        """

    @abstractmethod
    async def find_name(self, name: str) -> str:
        """Return the server that holds ``name``, or "" if none does."""

    @abstractmethod
    async def drop_name(self, name: str, server: str) -> None:
        """Release a name that ``server`` holds; nothing happens if another server holds it."""

    @abstractmethod
    async def heartbeat(self, server: Heartbeat, seconds: float) -> None:
        """Count this server as alive for the next ``seconds``."""

    @abstractmethod
    async def servers(self) -> list[Heartbeat]:
        """Return the servers that are alive, in the order of their names."""

    @abstractmethod
    async def problem(self) -> str | None:
        """Return in one line why the store cannot be written at present; None if it can."""
