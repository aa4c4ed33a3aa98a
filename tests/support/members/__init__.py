"""An application for tests that knows its users by a cookie, or by their tickets."""

from __future__ import annotations

import asyncio
from typing import Any

from thywill import Application, Client, Refused, User, Visitor


class Members(Application):
    """The cookie ``member`` holds the id of the user. Some ids make ``authenticate`` go wrong."""

    def __init__(self) -> None:
        self.visitors: list[Visitor] = []
        self.ended: list[str] = []
        self.gate = asyncio.Event()

    async def authenticate(self, visitor: Visitor) -> User | None:
        self.visitors.append(visitor)
        member = visitor.cookie("member")
        if member == "banned":
            raise Refused("You are banned until Monday.")
        if member == "broken":
            raise RuntimeError("the users' database is away")
        if member == "wrong":
            return "17"  # type: ignore[return-value]
        if member == "hangs":
            await self.gate.wait()
        return User(member, member.title()) if member else visitor.ticket

    async def on_message(self, client: Client, message: Any) -> None:
        if message == "who":
            await client.send(client.user and list(client.user))
        elif message == "person":
            await client.send(client.person)
        elif "set" in message:
            client.person.update(message["set"])
        else:
            await self.send_to_user(message["user"], message["data"])
