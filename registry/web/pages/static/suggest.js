/* Suggestions while typing in the search box, as an ARIA 1.2 combobox with a list. The page works the same without it:
   whatever goes wrong here leaves the box as it is. Nothing with a digit is sent, so that a number that somebody types
   never becomes part of an address. */
(() => {
  "use strict";

  const PAUSE_MS = 180;
  const SHORTEST = 2;
  const box = document.querySelector("input[data-suggest]");
  if (!box) return;

  const list = document.createElement("ul");
  list.id = `${box.id}-suggestions`;
  list.className = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", box.dataset.suggestLabel);

  const status = document.createElement("p");
  status.className = "unseen";
  status.setAttribute("role", "status");

  box.after(list, status);
  box.parentElement.classList.add("suggesting");
  // A box for searching takes no role of its own, and Escape would empty it.
  box.type = "text";
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-expanded", "false");

  let timer = 0;
  let asking = null;
  let active = -1;

  const options = () => [...list.children];

  function mark(next) {
    options().forEach((option, index) => option.setAttribute("aria-selected", String(index === next)));
    active = next;
    if (next < 0) {
      box.removeAttribute("aria-activedescendant");
      return;
    }
    const option = list.children[next];
    box.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function stop() {
    clearTimeout(timer);
    if (asking) asking.abort();
    asking = null;
  }

  function close() {
    stop();
    mark(-1);
    list.hidden = true;
    list.replaceChildren();
    status.textContent = "";
    box.setAttribute("aria-expanded", "false");
  }

  function choose(option) {
    box.value = option.textContent;
    close();
    box.focus();
  }

  function show(texts) {
    if (!texts.length || document.activeElement !== box) {
      close();
      return;
    }
    list.replaceChildren(
      ...texts.map((text, index) => {
        const option = document.createElement("li");
        option.id = `${list.id}-${index}`;
        option.setAttribute("role", "option");
        option.textContent = text;
        return option;
      }),
    );
    mark(-1);
    list.hidden = false;
    box.setAttribute("aria-expanded", "true");
    const words = texts.length === 1 ? box.dataset.suggestOne : box.dataset.suggestOther;
    status.textContent = words.replace("{number}", String(texts.length));
  }

  async function ask(text) {
    const mine = new AbortController();
    asking = mine;
    try {
      const address = `${box.dataset.suggest}?${new URLSearchParams({ q: text })}`;
      // A login that has ended would lead elsewhere.
      const answer = await fetch(address, {
        headers: { Accept: "application/json" },
        redirect: "error",
        signal: mine.signal,
      });
      const texts = answer.ok ? await answer.json() : [];
      if (asking === mine) show(texts);
    } catch {
      if (asking === mine) close();
    }
  }

  function typed(event) {
    stop();
    mark(-1);
    const text = box.value.trimStart();
    if (event.isComposing || text.length < SHORTEST || /\d/.test(text)) {
      close();
      return;
    }
    timer = setTimeout(ask, PAUSE_MS, text);
  }

  function pressed(event) {
    if (list.hidden || event.isComposing) return;
    const count = list.children.length;
    if (event.key === "ArrowDown") {
      mark(active + 1 < count ? active + 1 : -1);
    } else if (event.key === "ArrowUp") {
      mark(active < 0 ? count - 1 : active - 1);
    } else if (event.key === "Enter" && active >= 0) {
      choose(list.children[active]);
    } else if (event.key === "Escape") {
      close();
    } else {
      return;
    }
    event.preventDefault();
  }

  box.addEventListener("input", typed);
  box.addEventListener("keydown", pressed);
  box.addEventListener("blur", close);
  // The box keeps the focus while an option is clicked.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });
})();
