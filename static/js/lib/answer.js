// An answer on its way: events read from the server's stream, Markdown written to the page as it comes, and told to a
// screen reader a few sentences at a time. Whatever a model writes becomes text and a few harmless elements, never markup.
import * as smd from "../../vendor/streaming-markdown-0.2.15.min.js";

const HARMLESS = /^(https?:|mailto:)/i;
const MOST_WAITING = 2500; // milliseconds between two announcements

// Yields {name, data} for each event of a server-sent stream. Throws what reading throws.
export async function* readEvents(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = readEvent(block);
      if (event) yield event;
    }
  }
}

function readEvent(block) {
  let name = "message";
  let data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("data: ")) data += line.slice(6);
  }
  return data ? { name, data: JSON.parse(data) } : null; // a block of comments alone keeps the line open
}

// Writes Markdown into `element` while it arrives.
export class Writer {
  constructor(element) {
    this.source = "";
    this.parser = smd.parser(harmless(element));
  }

  write(text) {
    this.source += text;
    smd.parser_write(this.parser, text);
  }

  end() {
    smd.parser_end(this.parser);
  }
}

function harmless(root) {
  const renderer = smd.default_renderer(root);
  const { add_token: add, set_attr: set } = renderer;
  renderer.add_token = (data, type) => {
    if (type === smd.IMAGE) return push(data, document.createElement("a"));
    if (type === smd.CHECKBOX) return push(data, document.createElement("span"), "☐ ");
    if (type === smd.EQUATION_BLOCK || type === smd.EQUATION_INLINE) return push(data, document.createElement("code"));
    add(data, type);
    if (type === smd.CODE_FENCE || type === smd.CODE_BLOCK) frame(data.nodes[data.index].parentElement);
    return undefined;
  };
  renderer.set_attr = (data, type, value) => {
    const element = data.nodes[data.index];
    if (type === smd.HREF || type === smd.SRC) link(element, value, type === smd.SRC);
    else if (type === smd.CHECKED) element.textContent = "☑ ";
    else if (type === smd.LANG) label(element, value);
    else set(data, type, value);
  };
  return renderer;
}

function push(data, element, text = "") {
  element.textContent = text;
  data.nodes[++data.index] = data.nodes[data.index - 1].appendChild(element);
}

function link(element, address, isPicture) {
  if (!HARMLESS.test(address)) return;
  if (isPicture && !element.textContent) element.textContent = "image";
  element.href = address;
  element.rel = "noopener noreferrer nofollow";
}

function frame(pre) {
  const figure = document.createElement("figure");
  figure.className = "code";
  pre.tabIndex = 0; // wide code scrolls, and the keyboard must reach it
  pre.replaceWith(figure);
  figure.append(pre);
}

function label(code, language) {
  const caption = document.createElement("figcaption");
  caption.textContent = language.slice(0, 30);
  code.closest("figure").prepend(caption);
}

// Tells a live region what arrived: whole sentences, not more often than one can listen.
export class Announcer {
  constructor(region) {
    this.region = region;
  }

  say(words) {
    this.region.textContent = words;
  }

  follow(element) {
    this.element = element;
    this.told = element.innerText.length;
    this.last = performance.now();
  }

  arrived() {
    if (performance.now() - this.last < MOST_WAITING) return;
    const fresh = this.element.innerText.slice(this.told);
    const end = Math.max(...[". ", "! ", "? ", ".\n", ":\n"].map((mark) => fresh.lastIndexOf(mark)));
    if (end < 0) return;
    this.say(fresh.slice(0, end + 1));
    this.told += end + 1;
    this.last = performance.now();
  }

  finish(words) {
    const rest = this.element ? this.element.innerText.slice(this.told) : "";
    this.say(`${rest} ${words}`.trim());
    this.element = null;
  }
}
