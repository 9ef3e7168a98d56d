// The chat without page loads. The form and its buttons are those that work without scripts; their posts are taken over,
// answered by a stream, and put in place as the server wrote them. The conversation's state lives in the form alone.
import { Announcer, Writer, readEvents } from "../lib/answer.js";

const STREAMED = new Set(["send", "edit", "regenerate", "continue"]);
const SWAPPED = new Set(["switch", "remove"]);
const NEAR_END = 24;
const KEPT = "kept"; // in sessionStorage, on the way through the sign-in; see keepForSignIn

export function start(main) {
  new Chat(main).listen();
}

class Chat {
  constructor(main) {
    this.main = main;
    this.words = main.dataset;
    this.form = main.querySelector("form");
    this.thread = this.part("thread");
    this.text = this.part("words");
    this.file = this.part("file");
    this.announcer = new Announcer(this.part("announcer"));
    this.exchange = null; // the answer that is arriving
    this.follows = true; // whether the page keeps the newest line in sight
    this.lastTop = 0;
    this.isLeaving = false;
    this.askFirst = this.askFirst.bind(this);
  }

  part(name, within = this.main) {
    return within.querySelector(`[data-part="${name}"]`);
  }

  spare(name) {
    return this.main.querySelector(`[data-spare="${name}"]`).content.firstElementChild.cloneNode(true);
  }

  listen() {
    this.form.noValidate = false;
    this.main.addEventListener("invalid", (event) => unfold(event.target), { capture: true });
    this.form.addEventListener("submit", (event) => this.submitted(event));
    this.main.addEventListener("click", (event) => this.clicked(event));
    this.text.addEventListener("input", () => this.guard());
    this.part("stop").addEventListener("click", () => this.stop());
    this.part("below").addEventListener("click", () => this.toEnd());
    window.addEventListener("scroll", () => this.scrolled(), { passive: true });
    window.addEventListener("pageshow", () => this.guard());
    this.part("sign-in")?.removeAttribute("title"); // its warning is for pages without scripts
    this.dress(this.thread);
    this.guard();
    this.bringBack();
  }

  // ── what the person does ──

  submitted(event) {
    const button = event.submitter;
    const address = new URL(button?.getAttribute("formaction") ?? this.form.getAttribute("action"), location.href);
    const [, , act, turn, verdict] = address.pathname.split("/");
    if (act === "receipt") {
      event.preventDefault();
      this.download(address, button);
      return;
    }
    if (act === "rate") {
      event.preventDefault();
      if (!this.exchange) this.rate(turn, verdict, button);
      return;
    }
    if (!STREAMED.has(act) && !SWAPPED.has(act)) {
      this.isLeaving = true;
      this.stop(); // what came goes along with the post
      this.guard();
      return;
    }
    event.preventDefault();
    if (this.exchange) return;
    if (STREAMED.has(act)) this.ask(act, button);
    else this.swap(act, this.fields(act, button));
  }

  clicked(event) {
    const link = event.target.closest('[data-part="sign-in"]');
    if (link) this.keepForSignIn(event, link);
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.copy !== undefined) this.copy(button, button.dataset.copy);
    else if (button.dataset.copyCode !== undefined) this.copy(button, button.closest("figure").querySelector("code").textContent);
    else if (button.dataset.fill !== undefined) this.fill(button.dataset.fill);
    else if (button.dataset.close !== undefined) {
      const fold = button.closest("details");
      fold.open = false;
      fold.querySelector("summary").focus();
    }
  }

  fill(words) {
    this.text.value = words;
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
    this.text.focus();
    this.text.setSelectionRange(words.length, words.length);
  }

  async copy(button, text) {
    try {
      await navigator.clipboard.writeText(text);
      button.classList.add("button--done");
      setTimeout(() => button.classList.remove("button--done"), 1500);
      this.announcer.say(this.words.sayCopied);
    } catch {
      this.complain(this.words.sayCopyFailed);
    }
  }

  // A post of the form would ask whether to leave the page, and nobody leaves.
  async download(address, button) {
    const data = this.fields("receipt", button);
    try {
      const response = await fetch(address, { method: "POST", body: data });
      if (!response.ok) throw new Refusal(await refusal(response));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await response.blob());
      link.download = `receipt-${data.get("turn")}.json`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    } catch (error) {
      this.complain(error instanceof Refusal && error.message ? error.message : this.words.sayRefused);
    }
  }

  // ── asking ──

  fields(act, button) {
    const data = new FormData(this.form, button);
    const edited = `edit-${data.get("turn")}`;
    for (const name of new Set(data.keys())) {
      if (name.startsWith("edit-") && (act !== "edit" || name !== edited)) data.delete(name);
      if (name.startsWith("note-")) data.delete(name);
    }
    if (act !== "send") {
      data.delete("text");
      data.delete("files");
    }
    return data;
  }

  async ask(act, button) {
    const data = this.fields(act, button);
    const draft = act === "send" ? { text: this.text.value, files: this.file?.files } : null;
    if (draft && !draft.text.trim() && !draft.files?.length) return this.text.focus();
    const exchange = { act, draft, before: "", controller: new AbortController(), provisional: [] };
    if (act === "continue") exchange.before = this.sourceOf(data.get("turn"));
    this.exchange = exchange;
    this.complain("");
    this.showBusy(true);
    if (draft) this.showAtOnce(exchange);
    try {
      const response = await fetch(`/chat/${act}/stream`, {
        method: "POST",
        body: data,
        signal: exchange.controller.signal,
        headers: { Accept: "text/event-stream" },
      });
      if (!response.ok) return this.refused(exchange, await refusal(response));
      for await (const { name, data: told } of readEvents(response)) this.take(exchange, name, told);
      if (!exchange.isOver) this.lost(exchange);
    } catch (error) {
      if (!exchange.isOver) this.lost(exchange);
      if (!(error instanceof TypeError) && error.name !== "AbortError" && error.name !== "NetworkError") throw error;
    }
    return undefined;
  }

  take(exchange, name, told) {
    if (exchange.isOver) return;
    if (name === "text" || name === "reasoning") this.arrived(exchange, name, told.text);
    else if (name === "accepted") this.accepted(exchange, told);
    else if (name === "done" || name === "failed") this.settled(exchange, name, told);
  }

  showAtOnce(exchange) {
    const said = this.spare("person");
    this.part("said", said).textContent = exchange.draft.text;
    if (!exchange.draft.text.trim()) said.firstElementChild.remove();
    exchange.provisional = [said, this.spare("waiting")];
    exchange.welcome = this.part("welcome", this.thread);
    exchange.welcome?.remove();
    this.thread.append(...exchange.provisional);
    this.clearComposer();
    this.toEnd();
  }

  clearComposer() {
    this.text.value = "";
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
    if (!this.file) return;
    this.file.files = new DataTransfer().files;
    this.file.dispatchEvent(new Event("files-set"));
  }

  giveBack(exchange) {
    for (const one of exchange.provisional) one.remove();
    if (exchange.welcome) this.thread.append(exchange.welcome);
    if (!exchange.draft) return;
    if (!this.text.value) this.text.value = exchange.draft.text;
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
    if (!exchange.draft.files?.length || this.file.files.length) return;
    this.file.files = exchange.draft.files;
    this.file.dispatchEvent(new Event("files-set"));
  }

  // ── the answer ──

  accepted(exchange, told) {
    for (const one of exchange.provisional) one.remove();
    const fresh = parse(told.html);
    this.cutAfter(fresh.querySelector("article").dataset.parent);
    this.unmarkLatest();
    this.thread.append(fresh);
    this.keepState(told);
    this.field("partial").value = "";
    const article = this.thread.lastElementChild;
    const prose = this.part("prose", article);
    exchange.article = article;
    exchange.prose = prose;
    if (exchange.before) {
      // A continued answer keeps its words; the new ones grow below them until the server joins both.
      exchange.prose = document.createElement("div");
      exchange.prose.className = "prose";
      prose.after(exchange.prose);
    }
    exchange.writer = new Writer(exchange.prose);
    this.announcer.say(this.words.sayArriving);
    this.announcer.follow(exchange.prose);
    this.dress(this.thread);
    this.guard();
    this.toEnd();
  }

  arrived(exchange, name, text) {
    if (name === "reasoning") {
      this.part("reasoning", exchange.article).hidden = false;
      this.part("thoughts", exchange.article).append(text);
    } else {
      exchange.writer.write(text);
      this.announcer.arrived();
    }
    if (this.follows) this.scrollDown();
  }

  settled(exchange, name, told) {
    this.end(exchange);
    exchange.writer.end();
    this.announcer.finish(name === "done" ? this.words.sayFinished : told.message);
    this.place(exchange.article, told.html);
    this.keepState(told);
    if (told.storage) this.keepStorage(told.storage);
    if (told.entry) this.list(told);
    this.guard();
    if (this.follows) this.scrollDown();
  }

  place(article, html) {
    const wasOpen = this.part("reasoning", article)?.open;
    const hadFocus = article.contains(document.activeElement);
    const fresh = parse(html);
    const finished = fresh.querySelector("article");
    this.dress(fresh);
    const reasoning = this.part("reasoning", finished);
    if (reasoning && wasOpen) reasoning.open = true;
    article.replaceWith(fresh);
    if (hadFocus) this.text.focus({ preventScroll: true });
  }

  stop() {
    const exchange = this.exchange;
    if (!exchange) return;
    this.end(exchange);
    exchange.controller.abort();
    if (!exchange.article) return this.giveBack(exchange);
    exchange.writer.end();
    this.announcer.finish(this.words.sayStopped);
    return this.keepWhatCame(exchange);
  }

  lost(exchange) {
    this.end(exchange);
    if (!exchange.article) {
      this.giveBack(exchange);
      return this.complain(this.words.sayUnsent);
    }
    this.announcer.finish("");
    return this.keepWhatCame(exchange, this.words.sayLost);
  }

  refused(exchange, message) {
    this.end(exchange);
    this.giveBack(exchange);
    this.complain(message || this.words.sayRefused);
  }

  // The page alone knows how far a cut-off answer came: the next post carries it. The thread is asked for at once, so that
  // the answer gets its buttons; a saved conversation is settled by the server first, which takes a moment.
  async keepWhatCame(exchange, complaint = "") {
    const { article, before, writer } = exchange;
    const came = before + writer.source;
    this.field("partial").value = came;
    this.halt(article, complaint);
    if (this.isLeaving) return;
    const isSaved = Boolean(this.field("conversation"));
    for (const pause of isSaved ? [200, 600, 1500] : [0]) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (this.exchange || !article.isConnected) return;
      const data = new FormData(this.form);
      data.set("turn", article.dataset.turn);
      for (const name of ["text", "files"]) data.delete(name);
      const isThere = (fresh) => !came || !isSaved || this.hasWords(fresh, article.dataset.turn);
      if (await this.swap("switch", data, isThere, Boolean(complaint))) break;
    }
    if (!complaint) return;
    // Where the server could not be asked, the words still stand beside the answer: there they are only to be heard.
    if (article.isConnected) this.announcer.say(complaint);
    else this.complain(complaint);
  }

  hasWords(fresh, id) {
    return Boolean(fresh.querySelector(`[data-turn="${id}"] [data-copy]`));
  }

  halt(article, complaint) {
    article.removeAttribute("aria-busy");
    article.classList.remove("turn--arriving");
    this.part("waiting", article)?.remove();
    if (!complaint) return;
    const retry = this.spare("retry");
    retry.querySelector("p").textContent = complaint;
    retry.querySelector("button").value = article.dataset.turn;
    article.append(retry);
  }

  end(exchange) {
    exchange.isOver = true;
    if (this.exchange === exchange) this.exchange = null;
    this.showBusy(false);
  }

  // ── the thread ──

  async swap(act, data, isWanted = () => true, isQuiet = false) {
    try {
      const response = await fetch(`/chat/${act}`, { method: "POST", body: data, headers: { "X-Fragment": "thread" } });
      if (!response.ok) throw new Refusal(await refusal(response));
      const fresh = parse(await response.text());
      if (this.exchange || !isWanted(fresh)) return false;
      this.dress(fresh);
      const focused = document.activeElement?.closest?.(".turn")?.dataset.turn;
      this.thread.replaceChildren(fresh);
      const again = focused && this.thread.querySelector(`[data-turn="${CSS.escape(data.get("turn"))}"] .turn__alternatives button:enabled`);
      if (again) again.focus({ preventScroll: true });
      this.guard();
      return true;
    } catch (error) {
      if (!isQuiet) this.complain(error instanceof Refusal && error.message ? error.message : this.words.sayRefused);
      return false;
    }
  }

  async rate(turn, verdict, button) {
    const data = this.fields("rate", button);
    const note = this.thread.querySelector(`[name="note-${CSS.escape(turn)}"]`);
    if (note) data.set(note.name, note.value);
    if (!(await this.swap(`rate/${turn}/${verdict}`, data))) return;
    const thumb = verdict === "none" ? "up" : verdict;
    this.thread.querySelector(`[data-turn="${CSS.escape(turn)}"] [data-thumb="${thumb}"]`)?.focus({ preventScroll: true });
  }

  cutAfter(parent) {
    const articles = [...this.thread.querySelectorAll(".turn")];
    const at = articles.findIndex((one) => one.dataset.turn === parent);
    for (const one of articles.slice(at + 1)) one.remove();
    this.part("welcome", this.thread)?.remove();
  }

  unmarkLatest() {
    for (const one of this.thread.querySelectorAll("[id=latest]")) one.removeAttribute("id");
  }

  sourceOf(turn) {
    return this.thread.querySelector(`[data-turn="${CSS.escape(turn)}"] [data-copy]`)?.dataset.copy ?? "";
  }

  dress(root) {
    for (const figure of root.querySelectorAll("figure.code:not([data-dressed])")) {
      figure.dataset.dressed = "";
      const bar = this.spare("bar");
      const caption = figure.querySelector("figcaption");
      bar.firstElementChild.textContent = caption?.textContent ?? "";
      bar.querySelector("button").dataset.copyCode = "";
      caption?.remove();
      figure.prepend(bar);
    }
  }

  // ── state and surroundings ──

  field(name) {
    return this.thread.querySelector(`input[name="${name}"]`);
  }

  keepState(told) {
    if (told.conversation) {
      const field = this.field("conversation") ?? this.field("transcript");
      field.name = "conversation";
      field.value = told.conversation;
      if (told.url && location.pathname !== told.url) history.replaceState(null, "", told.url);
    } else if (told.transcript !== undefined) {
      const field = this.field("transcript") ?? this.field("conversation");
      field.name = "transcript";
      field.value = told.transcript;
    }
  }

  keepStorage(html) {
    const old = this.part("storage");
    if (old.contains(document.activeElement) || old.querySelector("details[open]")) return;
    const fresh = parse(html);
    old.replaceWith(fresh);
    this.main.dispatchEvent(new Event("storage-shown"));
  }

  list(told) {
    const entry = parse(told.entry);
    this.keepTitle(entry.querySelector("a").textContent);
    const days = document.querySelector('[data-part="days"]');
    if (!days || days.querySelector(`[data-conversation="${CSS.escape(told.conversation)}"]`)) return;
    days.querySelector("p")?.remove();
    this.today(days).prepend(entry);
  }

  today(days) {
    const labelled = (label) => days.querySelector(`:scope > [data-day="${CSS.escape(label)}"]`);
    const { today, pinned } = days.dataset;
    if (!labelled(today)) {
      const day = this.spare("day");
      day.dataset.day = today;
      day.querySelector("h2").textContent = today;
      if (labelled(pinned)) labelled(pinned).after(day);
      else days.prepend(day);
    }
    return labelled(today).querySelector("ul");
  }

  keepTitle(title) {
    const heading = document.querySelector('[data-part="title"]');
    if (document.title.startsWith(heading.textContent)) document.title = title + document.title.slice(heading.textContent.length);
    heading.textContent = title;
    heading.classList.remove("visually-hidden");
  }

  // Signing in leads away from the page, and the page is all there is of the conversation. What waits in sessionStorage
  // meanwhile is no content: it is the sealed transcript, ciphertext that the server alone can open, and only for the session
  // that this browser has now. It is gone with the tab, and taken out by the first chat page that comes after.
  async keepForSignIn(event, link) {
    if (!this.field("transcript") || !(this.exchange || this.thread.querySelector(".turn"))) return;
    event.preventDefault();
    await this.stop(); // an answer that is arriving is sealed with what came of it
    const latest = [...this.thread.querySelectorAll(".turn")].pop();
    if (latest && this.field("transcript") && !this.field("partial").value) {
      try {
        sessionStorage.setItem(KEPT, JSON.stringify({ transcript: this.field("transcript").value, turn: latest.dataset.turn }));
        this.isLeaving = !this.text.value.trim();
        this.guard();
      } catch {
        // Too large for the browser to keep: it asks before the page is left.
      }
    }
    location.assign(link.href);
  }

  // The server shows the whole page anew, because its line about storage, model and options belong to the conversation too.
  bringBack() {
    const kept = sessionStorage.getItem(KEPT);
    sessionStorage.removeItem(KEPT);
    if (!kept || !this.field("transcript") || this.thread.querySelector(".turn")) return;
    const { transcript, turn } = JSON.parse(kept);
    this.field("transcript").value = transcript;
    for (const name of ["model", "instructions", "temperature"]) {
      for (const option of document.getElementsByName(name)) option.disabled = true; // those of the conversation hold
    }
    const latest = document.createElement("input");
    latest.type = "hidden";
    latest.name = "turn";
    latest.value = turn;
    this.form.append(latest);
    this.form.action = "/chat/switch#latest";
    this.form.submit();
  }

  guard() {
    const isUnsaved = Boolean(this.field("transcript")) && (this.thread.querySelector(".turn") || this.text.value.trim());
    if (isUnsaved && !this.isLeaving) window.addEventListener("beforeunload", this.askFirst);
    else window.removeEventListener("beforeunload", this.askFirst);
    this.isLeaving = false;
  }

  askFirst(event) {
    event.preventDefault();
  }

  complain(message) {
    const place = this.part("problem");
    place.replaceChildren();
    if (!message) return;
    const notice = this.spare("problem");
    notice.querySelector("p").textContent = message;
    place.append(notice);
  }

  showBusy(isBusy) {
    const [send, stop] = [this.part("send"), this.part("stop")];
    const hadFocus = document.activeElement === send || document.activeElement === stop;
    send.hidden = isBusy;
    stop.hidden = !isBusy;
    if (hadFocus) (isBusy ? stop : send).focus();
  }

  // ── scrolling ──

  distance() {
    return document.documentElement.scrollHeight - window.innerHeight - window.scrollY;
  }

  scrolled() {
    if (window.scrollY < this.lastTop - 1 && this.distance() > NEAR_END) this.follows = false;
    if (this.distance() <= NEAR_END) this.follows = true;
    this.lastTop = window.scrollY;
    this.part("below").hidden = this.follows || this.distance() < window.innerHeight / 2;
  }

  scrollDown() {
    window.scrollTo(0, document.documentElement.scrollHeight);
  }

  toEnd() {
    this.follows = true;
    this.scrollDown();
  }
}

class Refusal extends Error {}

// The browser says what is wrong with a field beside it, which needs the field in sight.
function unfold(field) {
  const fold = field.closest("details");
  if (fold) fold.open = true;
}

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // the server's own, sanitised there
  return template.content;
}

async function refusal(response) {
  if (!response.headers.get("Content-Type")?.includes("json")) return "";
  return (await response.json()).message;
}
