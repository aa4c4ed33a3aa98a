"""Runs applications in this process. The hooks of one client run in order, those of others meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, ClassVar

import msgspec

from thywill.application import Application
from thywill.application_interface.base import ApplicationInterface, Loaded, Page
from thywill.application_interface.concurrent import ConcurrentCalls
from thywill.application_interface.ending import cancel, is_cancelled
from thywill.application_interface.loading import load, load_class
from thywill.application_interface.running import RunningApplications, guarded
from thywill.application_interface.watcher import Watcher
from thywill.client import Client
from thywill.component import Configuration
from thywill.core.envelope import Item, encode_failure, encode_result
from thywill.core.jsonable import find_wrong_number
from thywill.core.measures import Measures
from thywill.core.message import Address, Message
from thywill.core.overflow import Overflow
from thywill.core.user import User, Visitor, check_user
from thywill.errors import Failed, Refused, RpcError, Unavailable, UnsendableMessage
from thywill.hub.actions import Actions
from thywill.hub.client import LiveClient
from thywill.hub.step import CONNECTED, CURRENT, DISCONNECTED, RESUMED, Step

log = logging.getLogger(__name__)

Hook = Callable[[], Awaitable[None]]
Guard = Callable[[Hook, str, LiveClient], Awaitable[None]]

INCLUDED = ("echo", "chat", "game", "draw", "vote", "display", "tabular", "calculations")
"""The applications that come with thywill in ``apps``, in the order of the front page."""
AUTHENTICATE_SECONDS = 10.0
"""Seconds that ``authenticate`` may take; the visitor waits for the page meanwhile."""
AUTHENTICATE_RETRY = 5.0
"""Seconds after which the visitor's page may try again."""
ABANDON_AFTER = 1.0
"""Seconds that a call may still run when its client has gone, since nobody waits for its result."""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """The section ``[application_interface]``.

    Args:
        applications: importable packages; "apps.chat" is served at /chat/.
        slow_hook: seconds for which a hook may hold the loop without a warning; 0 never warns.
    """

    applications: list[str] = field(default_factory=lambda: [f"apps.{name}" for name in INCLUDED])
    slow_hook: Annotated[float, msgspec.Meta(ge=0)] = 0.2


class Mailbox:
    """Runs the steps of one client one after another, until none is left.

    Each message that a hook sends has the hook's step as its cause (``thywill.hub.step``). When the hook has
    ended, the step is reported as handled. If its task was cancelled, the step is not reported, and the
    durable queue repeats it. The step of a concurrent call ends later than its turn (``concurrent.py``).
    ``running`` is the name of the hook that is running, for the log.

    Args:
        client: the client.
        actions: says whether a hook may begin, and gets the number of each step that has ended.
        on_empty: called when the last step has ended.
    """

    __slots__ = ("_client", "_concurrent", "_handled", "_may_begin", "_on_empty", "_steps", "running", "task")

    def __init__(
        self,
        client: LiveClient,
        actions: Actions,
        on_empty: Callable[[LiveClient], None],
    ) -> None:
        self._client = client
        self._may_begin, self._handled = actions.may_begin, actions.handled
        self._on_empty = on_empty
        self._steps: deque[tuple[int, str, Hook]] = deque()
        self._concurrent: ConcurrentCalls | None = None
        self.running = ""
        self.task: asyncio.Task[None] | None = None

    def put(self, number: int, name: str, hook: Hook) -> None:
        """Run ``hook`` as the step ``number`` when all earlier ones have ended; ``name`` is for the log."""
        self._steps.append((number, name, hook))
        if self.task is None:
            self.task = asyncio.get_running_loop().create_task(self._run())

    def put_concurrent(self, number: int, name: str, hook: Hook) -> None:
        """Begin ``hook`` as ``put`` does, but let the next steps run before it has ended."""
        if self._concurrent is None:
            self._concurrent = ConcurrentCalls(self._client, self._step_ended, self._calls_ended)
        self.put(number, name, partial(self._begin, self._concurrent, number, name, hook))

    async def _begin(self, calls: ConcurrentCalls, number: int, name: str, hook: Hook) -> None:
        calls.start(number, f"{self._client.application}.{name}", hook)

    def _step_ended(self, number: int) -> None:
        if number > CONNECTED:
            self._client.handled = number
        self._handled(self._client, number)

    def _calls_ended(self) -> None:
        if self.task is None:
            self._on_empty(self._client)

    def tasks(self) -> dict[str, asyncio.Task[None]]:
        """Return the running tasks, by names for the log."""
        calls = self._concurrent.running.values() if self._concurrent else ()
        running = {f"{task.get_name()} for {self._client}": task for task in calls}
        return running if self.task is None else {**running, str(self): self.task}

    def __str__(self) -> str:
        return f"{self._client.application}.{self.running} for {self._client}"

    async def _run(self) -> None:
        while self._may_begin is None or self._may_begin():
            number, self.running, hook = self._steps.popleft()
            if self._concurrent is not None and number == DISCONNECTED:
                await self._concurrent.all_ended()
            step = Step(self._client.id, number)
            CURRENT.set(step)
            try:
                await hook()
            except asyncio.CancelledError:
                if is_cancelled():
                    raise
                log.exception("the hook %s was cancelled by something that it waited for", self)
            except Exception:
                log.exception("the hook %s failed outside of the application's code", self)
            step.open = False
            if self._concurrent is not None:
                self._concurrent.step_ended(number)
            else:
                if number > CONNECTED:
                    self._client.handled = number
                self._handled(self._client, number)
            if not self._steps:
                self._end()
                break
            # Most hooks never wait, and a page may have sent hundreds of messages: give others a turn.
            await asyncio.sleep(0)

    def _end(self) -> None:
        self.task = None
        if self._concurrent is None or not self._concurrent.running:
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
        self._watcher = Watcher(settings.slow_hook) if settings.slow_hook else None
        self._running = RunningApplications(message, stop_timeout, self._watcher, self._wake_watcher)
        self._applications = self._running.by_name
        self._led_actions: dict[str, Actions] = {}  # in a cluster: of the applications that this server leads
        self._mailboxes: dict[LiveClient, Mailbox] = {}
        self._calls: dict[LiveClient, set[asyncio.Task[Any]]] = {}
        self._abandoned: set[asyncio.Task[Any]] = set()
        for each in (*map(load, settings.applications), *applications):
            self._running.add(each, actions)

    async def start(self) -> None:
        """Start the applications.

        Raises:
            SettingsError: an application has failed; the applications before it are stopped again.
        """
        await self._running.start()

    async def lead(self, name: str, actions: Actions) -> None:
        self._led_actions[name] = actions
        await self._running.start_anew(name, actions)

    async def abandon(self, name: str) -> None:
        tasks = self._running.tickers.stop(name)
        clients = [each for each in self._mailboxes if each.application == name]
        for client in clients:
            tasks.update(self._mailboxes[client].tasks())
        await cancel(tasks)
        for client in clients:
            self._mailboxes.pop(client, None)
        await self._running.stop_one(name)

    async def stop(self) -> None:
        """Wait for the running hooks, at most ``stop_timeout``, and call ``on_stop`` of each application.

        A hook that takes longer is cancelled. If it still runs then, it is abandoned. The log names both.
        """
        tasks: dict[str, asyncio.Task[None]] = {}
        for box in self._mailboxes.values():
            tasks.update(box.tasks())
        await self._running.stop(tasks)

    def application(self, name: str) -> Application:
        """Return the application of that name."""
        return self._applications[name]

    @classmethod
    def packages(cls, settings: LocalSettings) -> Iterable[str]:
        return {dotted.partition(".")[0] for dotted in settings.applications}

    @classmethod
    def names(cls, settings: LocalSettings) -> Iterable[str]:
        return [dotted.rpartition(".")[2] for dotted in settings.applications]

    @classmethod
    def load(cls, kind: type[Application], arguments: tuple[Any, ...] = ()) -> Loaded:
        return load_class(kind, arguments)

    def pages(self) -> Mapping[str, Page]:
        return self._running.pages

    def bootstrap(self, client: LiveClient, configuration: Configuration) -> None:
        application = self._applications[client.application]
        configuration.scripts += [f"{application.name}/{file}" for file in application.scripts]
        configuration.styles += [f"{application.name}/{file}" for file in application.styles]
        application.bootstrap(self._handle(client), configuration)
        if configuration.parameters and (wrong := find_wrong_number(configuration.parameters)):
            raise UnsendableMessage(f"{application.name}.bootstrap: in configuration.parameters {wrong}")

    def authenticates(self, application: str) -> bool:
        return type(self._applications[application]).authenticate is not Application.authenticate

    async def authenticate(self, visitor: Visitor) -> User | None:
        application, name = self._applications[visitor.application], f"{visitor.application}.authenticate"
        try:
            async with asyncio.timeout(AUTHENTICATE_SECONDS):
                return check_user(await application.authenticate(visitor))
        except Refused as error:
            raise Refused(str(error.message)) from None
        except TimeoutError as error:
            log.exception("the hook %s did not end within %g s", name, AUTHENTICATE_SECONDS, exc_info=error)
            raise Unavailable("the application did not log you in", retry=AUTHENTICATE_RETRY) from None
        except Exception as error:
            log.exception("the hook %s failed (%s)", name, visitor.address)
            raise Failed("the application failed to log you in") from error

    def overflow_of(self, application: str, address: Address) -> Overflow | None:
        policies = self._applications[application].policies
        return policies.of(address.name) if address.kind == "channel" else policies.default

    def measure(self, measures: Measures) -> None:
        """Add how late the methods with ``@every`` were called."""
        self._running.tickers.measure(measures, self._applications)

    # What clients do.

    def connected(self, client: LiveClient) -> None:
        self._applications[client.application]._session_channels.restore(client)
        self._put(client, CONNECTED, "on_connect", self._enter_channels_and_run)

    def resumed(self, client: LiveClient) -> None:
        application = self._applications[client.application]
        application._session_channels.restore(client)
        application._attendance.restore(client)
        self._put(client, RESUMED, "on_resume", self._run_and_reply)

    def disconnected(self, client: LiveClient) -> None:
        self._put(client, DISCONNECTED, "on_disconnect", guarded)
        application = self._applications[client.application]
        application._session_channels.gone(client)
        application._attendance.gone(client)
        if client in self._calls:
            asyncio.get_running_loop().call_later(ABANDON_AFTER, self._abandon, client)

    def _abandon(self, client: LiveClient) -> None:
        """Cancel the calls of a client that has gone."""
        for task in self._calls.get(client, ()):
            self._abandoned.add(task)
            task.cancel()

    def _put(self, client: LiveClient, number: int, name: str, guard: Guard) -> None:
        application = self._applications[client.application]
        hook = partial(getattr(application, name), self._handle(client))
        guarded = partial(guard, hook, f"{client.application}.{name}", client)
        self._mailbox(client).put(number, name, guarded)

    def received(self, client: LiveClient, items: Sequence[Item]) -> None:
        mailbox = self._mailbox(client)
        calls = self._applications[client.application]._handlers.calls
        for item in items:
            call = None if item.method is None else calls.get(item.method)
            put = mailbox.put_concurrent if call is not None and call.concurrent else mailbox.put
            put(item.n, item.method or "on_message", partial(self._handle_item, client, item))

    def _wake_watcher(self) -> None:
        if self._watcher is not None and self._watcher.is_idle:
            self._watcher.wake()

    def _mailbox(self, client: LiveClient) -> Mailbox:
        self._wake_watcher()
        mailbox = self._mailboxes.get(client)
        if mailbox is None:
            actions = self._led_actions.get(client.application, self.actions)
            mailbox = self._mailboxes[client] = Mailbox(client, actions, self._mailboxes.__delitem__)
        return mailbox

    async def _enter_channels_and_run(self, hook: Hook, name: str, client: LiveClient) -> None:
        """Put a new client into the channels of its session, then run the hook."""

        async def enter_and_run() -> None:
            await self._applications[client.application]._session_channels.greet(client)
            await hook()

        await self._run_and_reply(enter_and_run, name, client)

    async def _run_and_reply(self, hook: Hook, name: str, client: LiveClient) -> None:
        """Run a hook that no message has caused; if it fails, the page gets an ``error``."""
        try:
            await hook()
        except RpcError as error:
            outcome = encode_failure(str(error.code), str(error.message))
        except Exception:
            log.exception("the hook %s failed (%s)", name, client)
            outcome = encode_failure("failed", "the application could not handle the connection")
        else:
            return
        await self._reply(client, outcome, CONNECTED)

    async def _handle_item(self, client: LiveClient, item: Item) -> None:
        outcome = None
        if item.n <= client.inbox.received:  # otherwise the client was disconnected meanwhile
            client.begun = item.n
            outcome = await self._outcome(client, item)
        if outcome is not None:
            await self._reply(client, outcome, item.n)

    async def _reply(self, client: LiveClient, outcome: bytes, number: int) -> None:
        actions = self._led_actions.get(client.application, self.actions)
        message = Message(outcome, reply_to=number)
        # Try until it is sent: the browser waits for the reply, and the step cannot end without it.
        while True:
            try:
                await actions.append(client.application, Address.client(client.id), message)
            except Unavailable as error:
                await asyncio.sleep(error.retry)
            else:
                return

    async def _outcome(self, client: LiveClient, item: Item) -> bytes | None:
        application = self._applications[client.application]
        handlers = application._handlers
        try:
            if item.method is not None:
                return await self._call(application, client, item)
            handler = handlers.message(item.data) if handlers.messages else None
            if handler is None:
                await application.on_message(self._handle(client), item.data)
            else:
                arguments = handler.arguments.read(item.data)
                await handler.method(application, self._handle(client), *arguments)
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            return self._failure(error, client, item)
        except Exception as error:  # noqa: BLE001 - an application may raise anything
            return self._failure(error, client, item)
        return None

    async def _call(self, application: Application, client: LiveClient, item: Item) -> bytes | None:
        call = application._handlers.call(str(item.method))
        arguments = call.read(item.data)
        task = asyncio.current_task()
        assert task is not None
        running = self._calls.setdefault(client, set())
        running.add(task)
        try:
            result = await call.method(application, self._handle(client), *arguments)
        except asyncio.CancelledError:
            if task not in self._abandoned or task.uncancel():
                raise
            log.info("%s.%s was cancelled: its client %s has gone", client.application, item.method, client)
            return None
        finally:
            self._abandoned.discard(task)
            running.discard(task)
            if not running:
                self._calls.pop(client, None)
        return encode_result(result, self.message)

    def _failure(self, error: BaseException, client: LiveClient, item: Item) -> bytes:
        name = f"{client.application}.{self._hook_name(client, item)}"
        if isinstance(error, RpcError):
            return encode_failure(str(error.code), str(error.message))
        if isinstance(error, UnsendableMessage):
            log.error("%s for %s: it sends what cannot be sent: %s", name, client, error, exc_info=error)
        else:
            log.error("the hook %s failed on message %d of %s", name, item.n, client, exc_info=error)
        return encode_failure("failed", "the application could not handle this")

    def _hook_name(self, client: LiveClient, item: Item) -> str:
        messages = self._applications[client.application]._handlers.messages
        kind = item.data.get("type") if isinstance(item.data, dict) else None
        handler = messages.get(kind) if isinstance(kind, str) else None
        return item.method or (handler.name if handler else "on_message")

    def _handle(self, client: LiveClient) -> Client:
        return self._applications[client.application].handle(client)
