"""Webhooks, by the Standard Webhooks specification (https://www.standardwebhooks.com).

What is to be sent is written in the transaction of the event that it tells of (`outbox`), so that
none is lost and none is sent of what never happened. A process of its own (`sender`) takes what is
due from the table, which is the queue: Redis has no part in it. A sender that dies after a message
was sent and before that was written down sends it again: at least once, under the same id.
"""
