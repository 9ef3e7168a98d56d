// Starts what a page asks for: data-behaviour="chat page" loads behaviours/chat.js and behaviours/page.js, and calls their
// start(element). Every page works without any of it.
const starting = [...document.querySelectorAll("[data-behaviour]")].flatMap((element) =>
  element.dataset.behaviour.split(" ").map(async (name) => (await import(`./behaviours/${name}.js`)).start(element)),
);
await Promise.all(starting);
document.documentElement.dataset.started = ""; // from here on the page does all it can; tests wait for it
