"""Whether people are told before something changes, and left alone where they did not ask to be told."""

import tomllib
from email.message import Message
from urllib.parse import urlsplit

from chat.policy.promise import require
from chat.policy.scratch.configuration import as_toml
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.mailbox import Mailbox, text_of


def change_notice(scratch: Scratch) -> str:
    """A material change is mailed, shown, and in force only after the notice; until then the old policy is."""
    person, visitor, days = scratch.newcomer(), scratch.visitor(), scratch.profile.notices.material_change_days
    require(days >= 14, f"The notice is {days} days long.")
    _publish_running(scratch)
    before = visitor.get("/privacy.json").json()["version"]
    profile = tomllib.loads((scratch.folder / "profile.toml").read_text(encoding="utf-8"))
    profile["retention"]["usage_totals"] += 7
    (scratch.folder / "next.toml").write_text(as_toml(profile), encoding="utf-8")
    path = str(scratch.folder / "next.toml")
    words = "Daily totals live a week longer."
    scratch.run("privacy", "publish", "--material", "--consents-stand", "--summary", words, "--profile", path)
    (mail,) = _delivered(scratch, person.email, words)
    require("List-Unsubscribe" not in mail, "The announcement of a change can be unsubscribed from.")
    for page in ("/", "/privacy", "/login"):
        require(words in visitor.page(page).text, f"{page} does not announce the change.")
    scratch.advance(days=days, hours=-1)
    require(visitor.get("/privacy.json").json()["version"] == before, "The change was in force before its notice was over.")
    scratch.advance(hours=2)
    require(visitor.get("/privacy.json").json()["version"] != before, "The change was not in force after its notice.")
    require(words not in visitor.page("/login").text, "The change is still announced after it took effect.")
    _publish_running(scratch)
    return f"A change was mailed and shown at once, and in force {days} days later, not an hour before."


def business_transfer(scratch: Scratch) -> str:
    """A notice of the operator is on every page, leads to deleting one's account, and can be mailed."""
    person, visitor = scratch.newcomer(), scratch.visitor()
    title = "This site is about to be sold"
    command = ("notices", "publish", "--title", title, "--text", "You may delete everything first.", "--mail")
    number = scratch.run(*command).partition("notices withdraw ")[2].split()[0]
    for who, path in ((visitor, "/"), (visitor, "/privacy"), (person, "/"), (person, "/settings/privacy")):
        page = who.page(path)
        require(title in page.text, f"{path} does not show the notice.")
        require(any(one.get("href") == "/settings/delete" for one in page.all("a")), f"{path} does not lead to deleting.")
    _delivered(scratch, person.email, title)
    require(person.get("/settings/delete").status_code == 200, "What the notice leads to is not there.")
    scratch.run("notices", "withdraw", number)
    require(title not in visitor.page("/").text, "The notice is shown after it was withdrawn.")
    return "A notice was on every page and in everybody's mail, and led to deleting the account."


def optout_mail(scratch: Scratch) -> str:
    """News reach only who asked; one press of a mail program, without signing in, ends them."""
    fan, other = scratch.newcomer(), scratch.newcomer()
    fan.give("product_updates")
    _send_news(scratch, "First news")
    (mail,) = _delivered(scratch, fan.email, "First news")
    mailbox = _mailbox(scratch)
    require(not _with(mailbox, other.email, "First news"), "Somebody who did not ask for news got some.")
    require(mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click", "The news cannot be ended with one press.")
    link = urlsplit((mail["List-Unsubscribe"] or "").strip("<>")).path
    require(fan.email.partition("@")[0] not in link, "The link that ends the news names who gets them.")
    stranger = scratch.visitor()
    require(stranger.get(link).status_code == 200, "The link that ends the news leads nowhere.")
    _send_news(scratch, "Second news")
    _delivered(scratch, fan.email, "Second news")
    answer = stranger.http.post(link, data={"List-Unsubscribe": "One-Click"})
    require(answer.status_code == 200, f"The press that ends the news was answered {answer.status_code}.")
    _send_news(scratch, "Third news")
    scratch.run_job("mail.mailings")
    scratch.deliver_mail()
    require(not _with(mailbox, fan.email, "Third news"), "News came after they were ended.")
    return "News went to the one who had asked, not when the link was only looked at, and ended with one press."


def _publish_running(scratch: Scratch) -> None:
    """Make the running policy the one in force, whatever was published before."""
    current = scratch.visitor().get("/privacy.json").json()["version"]
    status = scratch.visitor().page("/privacy").text
    if "The same for programs" not in status or not current:
        scratch.run("privacy", "publish", "--minor", "--summary", "As it was.")


def _send_news(scratch: Scratch, subject: str) -> None:
    scratch.run("updates", "send", "--subject", subject, "--text-file", "-", stdin=f"{subject}: words.\n")


def _mailbox(scratch: Scratch) -> Mailbox:
    assert scratch.mailbox, "these promises say mail=True"
    return scratch.mailbox


def _delivered(scratch: Scratch, address: str, words: str) -> list[Message]:
    """Return the one mail with these words to the address. Raises Broken when there is none, or more."""
    scratch.run_job("mail.mailings")
    scratch.deliver_mail()
    found = _with(_mailbox(scratch), address, words)
    require(len(found) == 1, f"{len(found)} mails of {words!r} came where one was due.")
    return found


def _with(mailbox: Mailbox, address: str, words: str) -> list[Message]:
    return [mail for mail in mailbox.to(address) if words in text_of(mail) or words in str(mail["Subject"])]
