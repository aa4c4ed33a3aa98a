"""The tables of the durable queue. Every function here blocks and runs in the database's thread."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import peewee

from thywill.core.changes import (
    Changes,
    MembershipChange,
    Stored,
    StoredClient,
    StoredItem,
    StoredMessage,
    StoredPublication,
    StoredSubscription,
)
from thywill.database.backend import Backend, Transaction
from thywill.database.insert import Complete, Insert
from thywill.database.rows import LENGTHS

PROBE = StoredMessage("", 1, "client", '""', "x" * 8192, None, None, None, None, None, 0.0)
"""A message for no application. It is large enough to fail on a full disk."""


@dataclass(frozen=True, slots=True)
class Models:
    """The models of the tables. Each database has its own, because a model is bound to one database."""

    client: Any
    message: Any
    item: Any
    subscription: Any
    publication: Any

    @classmethod
    def bound_to(cls, database: peewee.Database) -> Models:
        """Return models that are bound to ``database``."""
        models = cls(*(kind() for kind in (_client, _message, _item, _subscription, _publication)))
        database.bind(models.all())
        return models

    def all(self) -> list[Any]:
        """Return all models."""
        return [self.client, self.message, self.item, self.subscription, self.publication]


def _client() -> Any:
    class QueueClient(peewee.Model):
        id = peewee.CharField(LENGTHS["id"], primary_key=True)
        application = peewee.CharField(LENGTHS["application"])
        session = peewee.CharField(LENGTHS["session"])
        created = peewee.DoubleField()
        cursor = peewee.BigIntegerField()
        received = peewee.BigIntegerField()
        handled = peewee.BigIntegerField()
        gone = peewee.BooleanField()
        lost = peewee.BigIntegerField()
        lost_at = peewee.BigIntegerField()
        data = peewee.TextField(null=True)
        evicted = peewee.TextField(null=True)
        identity = peewee.TextField(null=True)

        class Meta:
            table_name = "queue_client"

    return QueueClient


def _message() -> Any:
    class QueueMessage(peewee.Model):
        application = peewee.CharField(LENGTHS["application"])
        id = peewee.BigIntegerField()
        kind = peewee.CharField(16)
        name = peewee.TextField()
        data = peewee.TextField()
        reply_to = peewee.BigIntegerField(null=True)
        key = peewee.TextField(null=True)
        overflow = peewee.CharField(16, null=True)
        cause_client = peewee.CharField(LENGTHS["id"], null=True)
        cause_number = peewee.BigIntegerField(null=True)
        sent = peewee.DoubleField()
        cause_index = peewee.BigIntegerField(null=True)
        history = peewee.BooleanField(default=False)
        exclude = peewee.CharField(LENGTHS["id"], null=True)

        class Meta:
            table_name = "queue_message"
            primary_key = peewee.CompositeKey("application", "id")

    return QueueMessage


def _item() -> Any:
    class QueueItem(peewee.Model):
        client = peewee.CharField(LENGTHS["id"])
        n = peewee.BigIntegerField()
        item = peewee.TextField()

        class Meta:
            table_name = "queue_item"
            primary_key = peewee.CompositeKey("client", "n")

    return QueueItem


def _subscription() -> Any:
    class QueueSubscription(peewee.Model):
        client = peewee.CharField(LENGTHS["id"], index=True)
        channel = peewee.TextField()
        since = peewee.BigIntegerField()
        until = peewee.BigIntegerField(null=True)

        class Meta:
            table_name = "queue_subscription"

    return QueueSubscription


def _publication() -> Any:
    class QueuePublication(peewee.Model):
        application = peewee.CharField(LENGTHS["application"])
        message = peewee.BigIntegerField()
        key = peewee.CharField(32)
        digest = peewee.CharField(32)
        sent = peewee.DoubleField(index=True)

        class Meta:
            table_name = "queue_publication"
            primary_key = peewee.CompositeKey("application", "message")

    return QueuePublication


class MessageTables:
    """The tables of the durable queue; each method is one transaction.

    Args:
        database: the database.
        transaction: begins a transaction.

    Raises:
        PeeweeException: any method raises it when the database refuses or fails.
    """

    def __init__(self, database: Backend, transaction: Transaction) -> None:
        self._database = database
        self._transaction = transaction
        self._models = models = Models.bound_to(database)
        self._insert_clients = self._insert_into(models.client, StoredClient, _ignore)
        self._insert_messages = self._insert_into(models.message, StoredMessage, _refuse)
        self._insert_items = self._insert_into(models.item, StoredItem, _ignore)
        self._insert_subscriptions = self._insert_into(models.subscription, StoredSubscription, _ignore)
        self._insert_publications = self._insert_into(models.publication, StoredPublication, _refuse)

    def load(self) -> Stored:
        """Return all rows."""
        models = self._models
        with self._database.atomic():
            return Stored(
                clients=_read(models.client.select(), StoredClient),
                messages=_read(models.message.select().order_by(models.message.id), StoredMessage),
                items=_read(models.item.select().order_by(models.item.n), StoredItem),
                subscriptions=_read(models.subscription.select(), StoredSubscription),
                publications=_read(
                    models.publication.select().order_by(models.publication.sent), StoredPublication
                ),
            )

    def write(self, changes: Changes) -> None:
        """Write all of ``changes``, or none if it raises."""
        with self._transaction():
            self._withdraw(changes)
            self._insert_clients(self._fitting(changes.clients.values()))
            self._insert_messages(changes.messages)
            self._insert_publications(changes.publications)
            self._insert_items(changes.items)
            self._change_memberships([*changes.memberships, *changes.entries])
            self._update(changes)
            self._forget(list(changes.forgotten))

    def trim(self, application: str, up_to: int, limit: int) -> int:
        """Delete up to ``limit`` of the oldest messages with ids up to ``up_to``; return how many.

        Messages of a channel's history stay. Subscriptions that ended before the last deleted message are
        deleted, too.
        """
        message = self._models.message
        trimmed = (message.application == application) & (message.history == False)  # noqa: E712 - SQL
        oldest = message.select(message.id).where(trimmed)
        # Two statements, since MariaDB does not support LIMIT in a subquery.
        ids = [id_ for (id_,) in oldest.where(message.id <= up_to).order_by(message.id).limit(limit).tuples()]
        if not ids:
            return 0
        with self._transaction():
            message.delete().where(trimmed & (message.id <= ids[-1])).execute()
            self._trim_subscriptions(application, ids[-1])
        return len(ids)

    def release(self, application: str, firsts: Mapping[str, int]) -> None:
        """Remove messages from channels' histories; ``firsts`` has each channel's first id that stays."""
        message = self._models.message
        ours = (message.application == application) & (message.kind == "channel")
        with self._transaction():
            for channel, first in firsts.items():
                older = (message.name == json.dumps(channel)) & (message.id < first)
                message.update(history=False).where(ours & older).execute()

    def forget_publications(self, before: float) -> None:
        """Delete the publications that were sent before a time, in seconds since the epoch."""
        publication = self._models.publication
        with self._transaction():
            publication.delete().where(publication.sent < before).execute()

    def probe(self) -> None:
        """Store a message and delete it again, to find out whether messages can be stored."""
        message = self._models.message
        with self._transaction():
            self._insert_messages([PROBE])
            mine = (message.application == PROBE.application) & (message.id == PROBE.id)
            message.delete().where(mine).execute()

    def _trim_subscriptions(self, application: str, up_to: int) -> None:
        subscription, client = self._models.subscription, self._models.client
        here = client.select(client.id).where(client.application == application)
        ended = (subscription.until <= up_to) & subscription.client.in_(here)
        subscription.delete().where(ended).execute()

    def _fitting(self, rows: Iterable[StoredClient]) -> list[StoredClient]:
        return [row if row.data is None or self._fits(row.data) else row._replace(data=None) for row in rows]

    def _fits(self, data: str) -> bool:
        # If the data is too large, the column stays unchanged. It is logged when the record is written.
        return self._database.refusal((data,)) is None

    def _withdraw(self, changes: Changes) -> None:
        message, publication = self._models.message, self._models.publication
        for model, column in ((message, message.id), (publication, publication.message)):
            one = model.delete().where((model.application == "") & (column == 0))
            self._repeat(one, changes.withdrawn)
        model = self._models.subscription
        entry = model.delete().where((model.client == "") & (model.channel == "") & (model.since == 0))
        self._repeat(entry, [(each.client, each.channel, each.position) for each in changes.unentered])

    def _insert_into(self, model: Any, kind: type[Any], where_there: Complete) -> Insert:
        columns = [getattr(model, name) for name in kind._fields]
        return Insert(self._database, model, columns, where_there)

    def _change_memberships(self, changes: Iterable[MembershipChange]) -> None:
        model = self._models.subscription
        still = (model.client == "") & (model.channel == "") & model.until.is_null()
        leave = model.update(until=0).where(still)
        for enters, group in groupby(changes, key=lambda change: change.enters):
            if enters:
                self._insert_subscriptions(
                    [StoredSubscription(each.client, each.channel, each.position) for each in group]
                )
            else:
                self._repeat(leave, [(each.position, each.client, each.channel) for each in group])

    def _update(self, changes: Changes) -> None:
        client, item = self._models.client, self._models.item
        updates: dict[str, dict[str, Any]] = {
            "cursor": changes.cursors,
            "received": changes.received(),
            "handled": changes.handled,
            "data": {client_id: data for client_id, data in changes.data.items() if self._fits(data)},
            "identity": changes.identities,
            "lost": {client_id: lost for client_id, (lost, _) in changes.lost.items()},
            "lost_at": {client_id: last for client_id, (_, last) in changes.lost.items()},
            "gone": dict.fromkeys(changes.gone, True),
            "evicted": {client_id: reason for client_id, (_, reason) in changes.evicted.items()},
        }
        for name, values in updates.items():
            query = client.update({getattr(client, name): 0}).where(client.id == "")
            self._repeat(query, [(value, client_id) for client_id, value in values.items()])
        done = item.delete().where((item.client == "") & (item.n <= 0))
        self._repeat(done, list(changes.handled.items()))

    def _forget(self, client_ids: Sequence[str]) -> None:
        models = self._models
        for column in (models.subscription.client, models.item.client, models.client.id):
            self._repeat(column.model.delete().where(column == ""), [(each,) for each in client_ids])

    def _repeat(self, query: Any, rows: Sequence[Sequence[Any]]) -> None:
        # Peewee builds the statement once, and the driver repeats it: building SQL for each row in Python
        # would delay the event loop, which shares the interpreter lock with this thread.
        if rows:
            statement, _ = query.sql()
            with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
                cursor: Any = self._database.cursor()  # type: ignore[no-untyped-call]
                cursor.executemany(statement, rows)


def _ignore(query: Any) -> Any:
    """Keep an existing row as it is: a transaction that seemed to fail may have been committed."""
    return query.on_conflict_ignore()


def _refuse(query: Any) -> Any:
    """Fail if the row exists, since otherwise the new message would be lost.

    Two messages can only have the same id if another server writes to this database as well.
    """
    return query


def _read(query: Any, kind: type[Any]) -> list[Any]:
    model = query.model
    columns = [getattr(model, name) for name in kind._fields]
    return [kind(*row) for row in query.select(*columns).tuples()]
