"""Failures that a person can cause or meet: a sentence for them, a status, a stable code, and nothing else.

A Problem never carries content, an upstream body or another exception's text, so that any handler may show it.
"""


class Problem(Exception):
    """A failure with a message written for people. Subclasses set the status and the code."""

    status = 400
    code = "invalid"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code


class NotFound(Problem):
    """The thing does not exist, or is not this person's, which looks the same from outside."""

    status = 404
    code = "not_found"


class Refused(Problem):
    """The person or the site does not allow this."""

    status = 403
    code = "refused"


class TooMany(Problem):
    """A limit was reached; `retry_after` says in how many seconds it is worth trying again."""

    status = 429
    code = "too_many"

    def __init__(self, message: str, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class TooLarge(Problem):
    """What was sent is over a size limit."""

    status = 413
    code = "too_large"


class StartRefused(Exception):
    """The settings or the profile are wrong, and the site must not start. The message names the key and the remedy."""
