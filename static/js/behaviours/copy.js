// A button that copies what another element says: data-copies names it by its id.
export function start(button) {
  const [icon, words] = [button.querySelector(".icon"), button.querySelector("span")];
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
    button.classList.add("button--done");
    words.textContent = button.dataset.done;
    icon.remove();
  });
}
