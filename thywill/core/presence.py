"""Presence: which people, and not only which pages, are in a channel.

A person is a session: all pages of one browser. A person who reloads a page, or closes one of two pages, has
not left. So a person leaves some seconds after their last page did. With ``leave_after`` = 5:

    0 s    Ada's page enters "lobby"            Ada joins
    3 s    a second page of Ada's enters        nothing
    4 s    the first page is closed             nothing, as the second is there
    9 s    the second page is reloaded: it is gone, and at 9.5 s a new one enters      nothing
    20 s   the last page is closed              nothing yet
    25 s   no page of Ada's has entered         Ada leaves

All times are arguments, in seconds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Person = dict[str, Any]
"""A person as pages and applications see it: ``id``, and if there is a user, ``user`` and ``name``."""


@dataclass(slots=True)
class Visit:
    """One person in one channel.

    Args:
        person: the person.
        pages: the ids of the clients that are in the channel.
        ends: when the person leaves, unless a page enters before that; None while a page is there.
    """

    person: Person
    pages: set[str] = field(default_factory=set)
    ends: float | None = None


@dataclass(slots=True)
class PendingPresence:
    """The changes in one channel since the last event was sent to its pages.

    Args:
        joined, left: people by id. A person who has joined and left since then is in neither.
        reset: whether the next event has to list everybody who is there, as after a restart.
    """

    joined: dict[str, Person] = field(default_factory=dict)
    left: dict[str, Person] = field(default_factory=dict)
    reset: bool = False

    def __bool__(self) -> bool:
        return self.reset or bool(self.joined) or bool(self.left)

    def join(self, person: Person) -> None:
        """A person joins."""
        if self.left.get(person["id"]) == person:
            del self.left[person["id"]]
        else:
            self.joined[person["id"]] = person

    def leave(self, person: Person) -> None:
        """A person leaves."""
        if self.joined.pop(person["id"], None) is None:
            self.left[person["id"]] = person

    def before(self, people: Sequence[Person]) -> list[Person]:
        """Return the people who were there before these changes; ``people`` are there after them."""
        return [each for each in people if each["id"] not in self.joined] + list(self.left.values())


class Presence:
    """The people in the channels of one application.

    Args:
        leave_after: for how many seconds a person without a page stays.
    """

    def __init__(self, leave_after: float) -> None:
        self._leave_after = leave_after
        self._visits: dict[str, dict[str, Visit]] = {}
        self._ending: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._channels: dict[str, dict[str, None]] = {}

    def enter(self, channel: str, page: str, person: Person) -> bool:
        """Add a page of ``person`` to the channel; return whether the person joins with it."""
        visits = self._visits.setdefault(channel, {})
        visit = visits.get(person["id"])
        joins = visit is None
        if visit is None:
            visit = visits[person["id"]] = Visit(person)
        visit.pages.add(page)
        self._channels.setdefault(page, {})[channel] = None
        visit.ends = None
        self._ending.pop((channel, person["id"]), None)
        return joins

    def renew(self, channel: str, person: Person) -> bool:
        """Set what is known of a person who is there; return whether that has changed, as by a login."""
        visit = self._visits[channel][person["id"]]
        changed, visit.person = visit.person != person, person
        return changed

    def has(self, channel: str, page: str) -> bool:
        """Return whether a page is in the channel."""
        return channel in self._channels.get(page, ())

    def leave(self, channel: str, page: str, person: str, now: float) -> None:
        """Remove a page of the person with the id ``person`` from the channel, if it is there."""
        visit = self._visits.get(channel, {}).get(person)
        if visit is None or page not in visit.pages:
            return
        visit.pages.remove(page)
        self._forget(page, channel)
        if not visit.pages:
            visit.ends = now + self._leave_after
            # Everybody stays equally long without a page, so the first one here is the first to leave.
            self._ending[channel, person] = None

    def leave_all(self, page: str, person: str, now: float) -> None:
        """Remove a page from all its channels."""
        for channel in list(self._channels.get(page, ())):
            self.leave(channel, page, person, now)

    def _forget(self, page: str, channel: str) -> None:
        channels = self._channels[page]
        del channels[channel]
        if not channels:
            del self._channels[page]

    def take_left(self, now: float) -> list[tuple[str, Person]]:
        """Remove the people whose time is over; return pairs of channel and person, in order of time."""
        left: list[tuple[str, Person]] = []
        while (due := self.next_end()) is not None and due <= now:
            (channel, person), _ = self._ending.popitem(last=False)
            visits = self._visits[channel]
            left.append((channel, visits.pop(person).person))
            if not visits:
                del self._visits[channel]
        return left

    def next_end(self) -> float | None:
        """Return when the next person leaves; None if nobody is without a page."""
        for channel, person in self._ending:
            return self._visits[channel][person].ends
        return None

    def people(self, channel: str) -> list[Person]:
        """Return the people in the channel, in the order in which they joined."""
        return [visit.person for visit in self._visits.get(channel, {}).values()]

    def channels(self) -> Sequence[str]:
        """Return the channels that somebody is in."""
        return list(self._visits)
