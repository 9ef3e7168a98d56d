// What holds for a page with conversations: folds close by Escape and by a click beside them, and single keys lead around.
const OFF = "keys-off"; // the one thing kept in the browser, and only if the person switches single keys off

const GO = {
  n: () => location.assign("/"),
  i: () => document.querySelector('[data-part="words"]')?.focus(),
  c: () => [...document.querySelectorAll(".turn--answer [data-copy]")].pop()?.click(),
  "/": () => search(),
  "?": () => document.querySelector('[data-part="shortcuts"]')?.showModal(),
};

export function start() {
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", clicked);
  const keys = document.querySelector('[data-part="keys"]');
  if (!keys) return;
  keys.checked = !localStorage.getItem(OFF);
  keys.addEventListener("change", () => {
    if (keys.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
}

function pressed(event) {
  if (event.defaultPrevented || event.isComposing) return;
  if (event.key === "Escape") return escape();
  const isTyping = event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select, dialog, [contenteditable]");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem(OFF)) return;
  if (!Object.hasOwn(GO, event.key)) return;
  event.preventDefault();
  GO[event.key]();
}

function escape() {
  if (document.querySelector("dialog[open]")) return;
  const open = [...document.querySelectorAll("details[open]:is([data-fold], .turn__fold)")].pop();
  const stop = document.querySelector('[data-part="stop"]:not([hidden])');
  if (open) {
    open.open = false;
    open.querySelector("summary").focus();
  } else if (location.hash === "#conversations") {
    location.hash = "main";
  } else if (stop) {
    stop.click();
  }
}

function clicked(event) {
  if (event.target.closest('[data-key="shortcuts"]')) GO["?"]();
  for (const fold of document.querySelectorAll("details[data-fold][open]")) {
    const isBeside = !fold.contains(event.target) && event.target.isConnected;
    const isChosen = event.detail > 0 && event.target.closest(".picker__model");
    if (isBeside || isChosen) fold.open = false;
  }
}

function search() {
  const field = document.querySelector('[data-key="search"], [type="search"]');
  if (!field) return;
  if (getComputedStyle(field).visibility === "hidden") location.hash = "conversations";
  requestAnimationFrame(() => field.focus());
}
