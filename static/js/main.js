// Starts what a page asks for: data-behaviour="chat page" loads behaviours/chat.js and behaviours/page.js, and calls their
// start(element). Every page works without any of it.
for (const element of document.querySelectorAll("[data-behaviour]")) {
  for (const name of element.dataset.behaviour.split(" ")) {
    import(`./behaviours/${name}.js`).then((behaviour) => behaviour.start(element));
  }
}
