// The composer's comforts: it grows, Enter sends, files come by button, paste and drop and can be taken off again, and the
// line below says what the chosen model's provider does. The files stand in the form's own file field.
export function start(element) {
  new Composer(element).listen();
}

class Composer {
  constructor(element) {
    this.element = element;
    this.words = this.part("words");
    this.file = this.part("file");
    this.chips = this.part("chips");
    this.box = this.part("box");
    this.pictures = [];
  }

  part(name) {
    return this.element.querySelector(`[data-part="${name}"]`);
  }

  listen() {
    this.words.addEventListener("keydown", (event) => this.pressed(event));
    if (!CSS.supports("field-sizing", "content")) this.words.addEventListener("input", () => this.grow());
    this.element.addEventListener("change", (event) => event.target.name === "model" && this.showModel(event.target));
    this.element.closest("main").addEventListener("storage-shown", () => {
      const chosen = this.element.querySelector("input[name=model]:checked");
      if (chosen) this.showModel(chosen);
    });
    if (this.file) this.listenForFiles();
  }

  pressed(event) {
    // Enter also ends the writing of a composed character; keyCode 229 is how Safari says so.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.words.form.requestSubmit(this.part("send"));
  }

  grow() {
    this.words.style.height = "auto";
    this.words.style.height = `${this.words.scrollHeight}px`;
  }

  showModel(radio) {
    for (const place of this.element.querySelectorAll("[data-fact]")) place.textContent = radio.dataset[place.dataset.fact];
  }

  // ── files ──

  listenForFiles() {
    this.chosen = [...this.file.files];
    this.file.addEventListener("change", () => this.add([...this.file.files]));
    this.file.addEventListener("files-set", () => this.sync());
    this.words.addEventListener("paste", (event) => {
      const files = [...event.clipboardData.files];
      if (!files.length) return;
      event.preventDefault();
      this.add(files);
    });
    const page = this.element.closest("main");
    page.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      this.box.classList.add("composer__box--over");
    });
    page.addEventListener("dragleave", (event) => {
      if (!page.contains(event.relatedTarget)) this.box.classList.remove("composer__box--over");
    });
    page.addEventListener("drop", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      this.box.classList.remove("composer__box--over");
      this.add([...event.dataTransfer.files]);
    });
    this.show();
  }

  add(files) {
    const { megabytes, count, accept, sayLarge, sayMany, sayKind } = this.element.dataset;
    const problems = [];
    for (const file of files) {
      if (file.size > Number(megabytes) * 2 ** 20) problems.push(sayLarge.replace("{name}", file.name));
      else if (!isAccepted(file, accept.split(","))) problems.push(sayKind.replace("{name}", file.name));
      else if (this.chosen.length >= Number(count)) problems.push(sayMany);
      else this.chosen.push(file);
    }
    this.write();
    this.complain([...new Set(problems)].join(" "));
    this.words.focus();
  }

  sync() {
    this.chosen = [...this.file.files];
    this.show();
  }

  write() {
    const carrier = new DataTransfer();
    for (const file of this.chosen) carrier.items.add(file);
    this.file.files = carrier.files;
    this.show();
  }

  show() {
    for (const address of this.pictures.splice(0)) URL.revokeObjectURL(address);
    this.chips.replaceChildren(...this.chosen.map((file, index) => this.chip(file, index)));
    this.chips.hidden = !this.chosen.length;
  }

  chip(file, index) {
    const chip = document.querySelector('[data-spare="chip"]').content.firstElementChild.cloneNode(true);
    chip.querySelector(".chip__name").textContent = file.name;
    chip.querySelector(".chip__size").textContent = size(file.size);
    if (file.type.startsWith("image/")) {
      const picture = document.createElement("img");
      picture.className = "chip__picture";
      picture.alt = "";
      picture.src = URL.createObjectURL(file);
      this.pictures.push(picture.src);
      chip.querySelector('[data-part="picture"]').replaceChildren(picture);
    }
    const remove = chip.querySelector("button");
    const label = this.element.dataset.sayRemove.replace("{name}", file.name);
    remove.title = label;
    remove.querySelector(".visually-hidden").textContent = label;
    remove.addEventListener("click", () => {
      this.chosen.splice(index, 1);
      this.write();
      this.words.focus();
    });
    return chip;
  }

  complain(message) {
    const place = this.part("problem");
    place.replaceChildren();
    if (!message) return;
    const notice = document.querySelector('[data-spare="problem"]').content.firstElementChild.cloneNode(true);
    notice.querySelector("p").textContent = message;
    place.append(notice);
  }
}

function isAccepted(file, kinds) {
  const name = file.name.toLowerCase();
  return kinds.some((kind) => (kind.startsWith(".") ? name.endsWith(kind) : file.type === kind));
}

function size(bytes) {
  const unit = bytes < 1_000_000 ? "kilobyte" : "megabyte";
  const amount = bytes < 1_000_000 ? Math.max(1, Math.round(bytes / 1000)) : bytes / 1_000_000;
  const format = { style: "unit", unit, maximumFractionDigits: 1 };
  return new Intl.NumberFormat(document.documentElement.lang, format).format(amount);
}
