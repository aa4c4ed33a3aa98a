"""Runs applications in this process: the hooks of one client one after another, those of others meanwhile."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from thywill.application import Application, Client, make_application
from thywill.application_interface.base import ApplicationInterface, Loaded, Page
from thywill.application_interface.loading import failure_of, load, slips
from thywill.component import Configuration
from thywill.core.envelope import Item, encode_failure, encode_result
from thywill.core.message import Address, Message
from thywill.core.overflow import Overflow
from thywill.errors import RpcError, SettingsError, Unavailable, UnsendableMessage
from thywill.hub.actions import Actions
from thywill.hub.client import LiveClient
from thywill.hub.step import CONNECTED, CURRENT, DISCONNECTED, RESUMED, Step

log = logging.getLogger(__name__)

Hook = Callable[[], Awaitable[None]]

NAME_AFTER = 1.0
"""Seconds after which a stop names the hooks that it waits for."""
CANCEL_SECONDS = 1.0
"""Seconds that a hook has to end when it is cancelled."""
NAMES = 5
"""How many hooks are named in one line."""
NAME_SHOWN = 100
"""How many characters of an unknown method's name are repeated in the error."""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """The section ``[application_interface]``.

    Args:
        applications: importable packages; "apps.chat" is served at /chat/.
    """

    applications: list[str] = field(default_factory=lambda: ["apps.echo", "apps.chat", "apps.game"])


class Mailbox:
    """Runs the steps of one client one after another, until none is left.

    What a hook sends has its step as the cause (``thywill.hub.step``). When the hook has ended, the step is
    reported as handled; not so if its task was cancelled, and then the durable queue repeats it.

    ``running`` is the name of the hook that is running, for the log.

    Args:
        client: the client.
        handled: called with the client and the number of each step that has ended.
        on_empty: called when the last step has ended.
    """

    __slots__ = ("_client", "_handled", "_on_empty", "_steps", "running", "task")

    def __init__(
        self,
        client: LiveClient,
        handled: Callable[[LiveClient, int], None],
        on_empty: Callable[[LiveClient], None],
    ) -> None:
        self._client = client
        self._handled = handled
        self._on_empty = on_empty
        self._steps: deque[tuple[int, str, Hook]] = deque()
        self.running = ""
        self.task: asyncio.Task[None] | None = None

    def put(self, number: int, name: str, hook: Hook) -> None:
        """Run ``hook`` as the step ``number`` when all earlier ones have ended; ``name`` is for the log."""
        self._steps.append((number, name, hook))
        if self.task is None:
            self.task = asyncio.get_running_loop().create_task(self._run())

    def __str__(self) -> str:
        return f"{self._client.application}.{self.running} for {self._client}"

    async def _run(self) -> None:
        while True:
            number, self.running, hook = self._steps.popleft()
            step = Step(self._client.id, number)
            CURRENT.set(step)
            try:
                await hook()
            except asyncio.CancelledError:
                if is_cancelled():
                    raise
                log.exception("the hook %s was cancelled by something that it waited for", self)
            except Exception:
                log.exception("the hook %s failed outside of its guard", self)
            step.open = False
            if number > CONNECTED:
                self._client.handled = number
            self._handled(self._client, number)
            if not self._steps:
                break
            # Most hooks never wait, and a page may have sent hundreds of messages: others get their turn.
            await asyncio.sleep(0)
        self.task = None
        self._on_empty(self._client)


class LocalApplications(ApplicationInterface):
    """Runs the hooks of applications on the event loop.

    Args:
        settings, actions, message, stop_timeout, applications: as in the contract.
    """

    Settings: ClassVar[type[Any]] = LocalSettings

    def __init__(
        self,
        settings: LocalSettings,
        actions: Actions,
        message: int,
        stop_timeout: float,
        applications: Iterable[Loaded] = (),
    ) -> None:
        super().__init__(settings, actions, message, stop_timeout, applications)
        self._applications: dict[str, Application] = {}
        self._pages: dict[str, Page] = {}
        self._mailboxes: dict[LiveClient, Mailbox] = {}
        self._started: list[Application] = []
        for each in (*map(load, settings.applications), *applications):
            self._add(each)

    def _add(self, loaded: Loaded) -> None:
        name = loaded.page.name
        if name in self._pages:
            raise SettingsError(
                _twice(name, type(self._applications[name]).__module__, loaded.kind.__module__)
            )
        try:
            application = make_application(loaded.kind, loaded.arguments, name, self.actions, self.message)
        except Exception as error:
            raise failure_of(f"{loaded.kind.__module__}.{loaded.kind.__name__}", error) from error
        self._applications[name] = application
        self._pages[name] = loaded.page

    async def start(self) -> None:
        """Start the applications.

        Raises:
            SettingsError: one of them fails; those before it are stopped again.
        """
        for application in self._applications.values():
            if found := slips(type(application)):
                log.warning("%s has names that thywill does not use: %s", application.name, "; ".join(found))
            try:
                await application.on_start()
            except Exception as error:
                await self._stop_started()
                raise failure_of(f"{application.name}.on_start", error) from error
            self._started.append(application)

    async def stop(self) -> None:
        """Wait for the running hooks, at most ``stop_timeout``, and call ``on_stop`` of each application.

        A hook that takes longer is cancelled. One that ignores that is left behind. The log names both.
        """
        running = {str(box): box.task for box in self._mailboxes.values() if box.task is not None}
        await self._await_ends(running)
        await self._stop_started()

    async def _stop_started(self) -> None:
        while self._started:
            application = self._started.pop()
            name = f"{application.name}.on_stop"
            hook = self._guarded(application.on_stop, name, "at the stop")
            await self._await_ends({name: asyncio.ensure_future(hook)})

    async def _await_ends(self, running: Mapping[str, asyncio.Task[None]]) -> None:
        if not await _ended(running, min(NAME_AFTER, self.stop_timeout)):
            names = _names(running)
            log.warning("the stop waits for hooks, %g s at most: %s", self.stop_timeout, names)
            await _ended(running, self.stop_timeout - NAME_AFTER)
        for task in running.values():
            task.cancel()
        if not await _ended(running, CANCEL_SECONDS):
            log.error("left behind, since they ignore that they are cancelled: %s", _names(running))

    def application(self, name: str) -> Application:
        """Return the application of that name."""
        return self._applications[name]

    @classmethod
    def packages(cls, settings: LocalSettings) -> Iterable[str]:
        return {dotted.partition(".")[0] for dotted in settings.applications}

    def pages(self) -> Mapping[str, Page]:
        return self._pages

    def bootstrap(self, client: LiveClient, configuration: Configuration) -> None:
        application = self._applications[client.application]
        configuration.scripts += [f"{application.name}/{file}" for file in application.scripts]
        configuration.styles += [f"{application.name}/{file}" for file in application.styles]
        application.bootstrap(self._handle(client), configuration)

    def overflow_of(self, application: str, address: Address) -> Overflow | None:
        policies = self._applications[application].policies
        return policies.of(address.name) if address.kind == "channel" else policies.default

    # What clients do.

    def connected(self, client: LiveClient) -> None:
        self._put(client, CONNECTED, "on_connect")

    def resumed(self, client: LiveClient) -> None:
        self._put(client, RESUMED, "on_resume")

    def disconnected(self, client: LiveClient) -> None:
        self._put(client, DISCONNECTED, "on_disconnect")

    def _put(self, client: LiveClient, number: int, name: str) -> None:
        application = self._applications[client.application]
        hook = partial(getattr(application, name), self._handle(client))
        guarded = partial(self._guarded, hook, f"{application.name}.{name}", client)
        self._mailbox(client).put(number, name, guarded)

    def received(self, client: LiveClient, items: Sequence[Item]) -> None:
        mailbox = self._mailbox(client)
        for item in items:
            mailbox.put(item.n, item.method or "on_message", partial(self._handle_item, client, item))

    def _mailbox(self, client: LiveClient) -> Mailbox:
        mailbox = self._mailboxes.get(client)
        if mailbox is None:
            mailbox = self._mailboxes[client] = Mailbox(
                client, self.actions.handled, self._mailboxes.__delitem__
            )
        return mailbox

    async def _guarded(self, hook: Hook, name: str, of: LiveClient | str) -> None:
        try:
            await hook()
        except Exception:
            log.exception("the hook %s failed (%s)", name, of)

    async def _handle_item(self, client: LiveClient, item: Item) -> None:
        outcome = None
        if item.n <= client.inbox.received:  # otherwise the client was disconnected meanwhile
            client.begun = item.n
            outcome = await self._outcome(client, item)
        if outcome is not None:
            await self._reply(client, outcome, item.n)

    async def _reply(self, client: LiveClient, outcome: bytes, number: int) -> None:
        message = Message(outcome, reply_to=number)
        # Tried until it is sent: the browser waits for it, and the step has not ended before.
        while True:
            try:
                await self.actions.append(client.application, Address.client(client.id), message)
            except Unavailable as error:
                await asyncio.sleep(error.retry)
            else:
                return

    async def _outcome(self, client: LiveClient, item: Item) -> bytes | None:
        application = self._applications[client.application]
        try:
            if item.method is not None:
                return await self._call(application, client, item)
            await application.on_message(self._handle(client), item.data)
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            return self._failure(error, client, item)
        except Exception as error:  # noqa: BLE001 - an application may raise anything
            return self._failure(error, client, item)
        return None

    async def _call(self, application: Application, client: LiveClient, item: Item) -> bytes:
        # Looked up on the class, so that a browser cannot make a property of the application run.
        method = getattr(type(application), str(item.method), None)
        if method is None or not getattr(method, "__thywill_rpc__", False):
            return encode_failure(
                "not_found", f"there is no method {str(item.method)[:NAME_SHOWN]!r} to call"
            )
        arguments = (application, self._handle(client), *item.data)
        try:
            inspect.signature(method).bind(*arguments)
        except TypeError as error:
            return encode_failure("malformed", f"{item.method}: {error}")
        return encode_result(await method(*arguments), self.message)

    def _failure(self, error: BaseException, client: LiveClient, item: Item) -> bytes:
        name = f"{client.application}.{item.method or 'on_message'}"
        if isinstance(error, RpcError):
            return encode_failure(str(error.code), str(error.message))
        if isinstance(error, UnsendableMessage):
            log.error("%s for %s: what it sends cannot be sent: %s", name, client, error, exc_info=error)
        else:
            log.error("the hook %s failed on message %d of %s", name, item.n, client, exc_info=error)
        return encode_failure("failed", "the application could not handle this")

    def _handle(self, client: LiveClient) -> Client:
        return self._applications[client.application].handle(client)


def is_cancelled() -> bool:
    """Return whether the current task itself is being cancelled, and not only what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _ended(running: Mapping[str, asyncio.Task[None]], seconds: float) -> bool:
    """Wait for the tasks, at most ``seconds``; return whether all have ended."""
    tasks = [task for task in running.values() if not task.done()]
    if not tasks:
        return True
    _, late = await asyncio.wait(tasks, timeout=max(seconds, 0.0))
    return not late


def _names(running: Mapping[str, asyncio.Task[None]]) -> str:
    names = [name for name, task in running.items() if not task.done()]
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return ", ".join(names[:NAMES]) + more


def _twice(name: str, first: str, second: str) -> str:
    place = f"[application_interface] applications: two are called {name!r}"
    if first == second:
        return f"{place}, since {first} is listed twice"
    return f"{place}, {first} and {second}: rename one of the packages"
