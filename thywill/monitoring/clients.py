"""``GET /thywill/clients``: the clients of all servers that share the queue, as JSON."""

from __future__ import annotations

import logging

import msgspec

from thywill.core.client_filter import ClientFilter
from thywill.core.envelope import encode_object
from thywill.errors import NotFound
from thywill.http.message import JSON, Reply
from thywill.http.request import Request
from thywill.monitoring.async_endpoint import AsyncEndpoint
from thywill.monitoring.cluster import Cluster

log = logging.getLogger(__name__)

MOST = 10_000
"""How many records one answer has at most; they travel through the queue's store."""


class Clients(AsyncEndpoint):
    """The endpoint ``/thywill/clients``, with the fields of ``ClientFilter`` in the query.

    It answers ``{"clients": [...], "silent": [...]}``: the clients, the last seen first, each with the fields
    of ``ClientRecord``; and the names of the servers that have not answered.

    Args:
        cluster: asks the servers.
    """

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self._cluster = cluster

    async def answer(self, request: Request, reply: Reply) -> None:
        """Answer with the records."""
        try:
            wanted = msgspec.convert(request.query(), ClientFilter, strict=False)
            limit = min(max(wanted.limit, 1), MOST)
            records, silent = await self._cluster.records(msgspec.structs.replace(wanted, limit=limit))
        except msgspec.ValidationError as error:
            reply.send(400, _refusal("malformed", f"the query is wrong: {error}"), JSON)
        except NotFound as error:
            reply.send(error.status, _refusal(error.code, error.message), JSON)
        except Exception:
            log.exception("the clients could not be listed")
            reply.send(500, b"")
        else:
            reply.send(200, encode_object({"clients": records, "silent": silent}), JSON)


def _refusal(code: str, message: str) -> bytes:
    return encode_object({"error": {"code": code, "message": message}})
