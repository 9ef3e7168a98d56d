"""What the door lets out: a provider's events, and a failure as an event of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO

from chat.inference.receipts import Stored
from chat.kernel.signing import Document
from chat.metering.ledger import Status
from chat.providers.base import Finished, FinishReason, ReasoningDelta, TextDelta


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer ended here. The code is ours, the message is for people."""

    code: str
    message: str


Event = TextDelta | ReasoningDelta | Finished | Failed


@dataclass(slots=True)
class Answer:
    """What came, as far as it came. Lives in memory for the length of the exchange.

    A buffer, not a list: an answer comes as thousands of pieces, each of which would weigh ten times its letters.
    """

    text: StringIO = field(default_factory=StringIO, repr=False)
    reasoning: StringIO = field(default_factory=StringIO, repr=False)
    status: Status = Status.STOPPED
    reason: FinishReason | None = None
    failed: Failed | None = None
    # Makes the receipt, once it is known what of this is stored; None where nobody asked for one.
    certify: Callable[[Stored], Document] | None = field(default=None, repr=False)
