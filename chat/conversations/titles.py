"""A conversation's title from its first words, made here: asking a model would send them once more."""

from chat.conversations.markdown import plain_text

LONGEST = 60
READ = 2_000  # characters; a title needs no more, and a long paste should cost nothing
UNTITLED = "New conversation"


def title_from(text: str) -> str:
    """Return the first words of `text` without its Markdown, at most LONGEST characters, cut between words."""
    words = plain_text(text[:READ]) or " ".join(text[:READ].split())
    title = "".join(character for character in words if character.isprintable())
    if len(title) <= LONGEST:
        return title or UNTITLED
    head, space, _ = title[:LONGEST].rpartition(" ")
    return (head if space and len(head) > LONGEST // 2 else title[: LONGEST - 1]).rstrip(" ,;:.–—-") + "…"
