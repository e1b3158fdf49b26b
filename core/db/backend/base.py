"""Named by DATABASES' ENGINE; Django looks for DatabaseWrapper here."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL, whose sessions are taken for usable while the server has said nothing unasked."""

    def is_usable(self) -> bool:
        """Whether the session lives, asked before its first use in a request (CONN_HEALTH_CHECKS).

        A server that ends a session, or dies, sends a farewell or closes the connection; either makes the socket
        readable. Only then is the session asked, because a notice or a changed setting does the same. A server that
        vanished without a word shows neither here nor to a question: tcp_user_timeout bounds both.
        """
        if self.connection is None or self.connection.closed:
            return False
        if not _has_something_to_read(self.connection.fileno()):
            return True
        return bool(super().is_usable())


def _has_something_to_read(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLPRI)
    return bool(poll.poll(0))
