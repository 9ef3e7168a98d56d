"""Server-sent events out of bytes: only their data, each bounded, so that no provider can fill the memory."""

from collections.abc import Iterator

from chat.providers.problems import Failure, problem

LARGEST_EVENT = 16 * 1024 * 1024


def decode_events(chunks: Iterator[bytes], *, largest: int = LARGEST_EVENT) -> Iterator[list[bytes]]:
    """Yield the data of the events that each chunk completes. Raises ProviderProblem when one is larger than `largest`."""
    partial: list[bytes] = []
    data: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if b"\n" not in chunk:
            partial.append(chunk)
            if size > largest:
                raise problem(Failure.GARBLED)
            continue
        *lines, rest = b"".join((*partial, chunk)).split(b"\n")
        partial = [rest]
        complete = []
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[5:].strip())
            elif data and line in (b"", b"\r"):
                complete.append(data[0] if len(data) == 1 else b"\n".join(data))
                data.clear()
        if complete:
            yield complete
        size = len(rest) + sum(map(len, data))
        if size > largest:
            raise problem(Failure.GARBLED)
    # Some servers forget the empty line after the last event. An event cut short is not to be told from one, save this.
    if b"".join(partial).strip() == b"data: [DONE]" or data == [b"[DONE]"]:
        yield [b"[DONE]"]
