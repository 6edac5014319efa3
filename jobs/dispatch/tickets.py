"""Puts a ticket on a queue of RQ's by one short word to Redis.

RQ says it in two, the longer one of forty values that are looked at one by one: it took longer than
to store the job. What is the same in all tickets goes as one text here, and stands in Redis as RQ
would have written it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from rq import Queue
from rq.job import Job as Ticket
from rq.utils import now, utcformat

WRITE = """
local ticket, queue, queues = unpack(KEYS)
local id, data, made_at, common = unpack(ARGV)
redis.call("SADD", queues, queue)
if redis.call("EXISTS", ticket) == 1 then
    return 0
end
redis.call("HSET", ticket, "data", data, "created_at", made_at, "enqueued_at", made_at,
    unpack(cjson.decode(common)))
redis.call("RPUSH", queue, id)
return 1
"""
OF_EACH = {"data", "created_at", "enqueued_at"}


class Writer:
    """Of tickets for one function on one queue.

    :param common: what `Queue.create_job` takes, and is the same for all of them.
    """

    def __init__(self, queue: Queue, function: str, **common: Any) -> None:
        self._function = function
        self._serializer = queue.serializer
        self._places = [queue.key, queue.redis_queues_keys]
        self._common = _written(queue, queue.create_job(function, **common))
        self._connection = queue.connection
        self._write = self._connection.register_script(WRITE)

    def put(self, ticket_id: str, args: Sequence[Any]) -> bool:
        """False: there is one of that id already."""
        return bool(self._write(**self._said(ticket_id, args)))

    def put_all(self, tickets: Mapping[str, Sequence[Any]]) -> None:
        """As `put`, in one breath.

        :param tickets: what each is called with, by its id.
        """
        if len(tickets) == 1:
            self.put(*next(iter(tickets.items())))
            return
        with self._connection.pipeline(transaction=False) as pipe:
            for ticket_id, args in tickets.items():
                self._write(**self._said(ticket_id, args), client=pipe)
            pipe.execute()

    def _said(self, ticket_id: str, args: Sequence[Any]) -> dict[str, Any]:
        data = self._serializer.dumps((self._function, None, args, {}))
        return {
            "keys": [Ticket.key_for(ticket_id), *self._places],
            "args": [ticket_id, zlib.compress(data), utcformat(now()), self._common],
        }


def _written(queue: Queue, pattern: Ticket) -> str:
    """Names and values of what each ticket has, by turns."""
    pattern.origin = queue.name
    fields = {
        name: value
        for name, value in pattern.to_dict().items()
        if value is not None and name not in OF_EACH
    }
    return json.dumps(
        [each if isinstance(each, str) else str(each) for pair in fields.items() for each in pair]
    )
