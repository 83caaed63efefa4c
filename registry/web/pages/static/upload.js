/* A file field that is also a place to drop a file on. It works the same without: whatever goes wrong here leaves the field. */
(() => {
  "use strict";

  const place = document.querySelector("[data-drop]");
  const field = place && place.querySelector("input[type=file]");
  if (!field) return;

  const words = place.dataset;
  const text = document.createElement("p");
  text.className = "quiet";
  text.textContent = words.dropText;

  const status = document.createElement("p");
  status.setAttribute("role", "status");

  place.classList.add("ready");
  field.after(text, status);

  function tell() {
    const file = field.files[0];
    status.textContent = "";
    if (!file) return;
    if (file.size > Number(words.dropBytes)) {
      field.value = "";
      status.textContent = words.dropLarge;
      return;
    }
    status.textContent = words.dropChosen.replace("{name}", file.name);
  }

  function over(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    place.classList.add("over");
  }

  function dropped(event) {
    place.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    const one = new DataTransfer();
    one.items.add(event.dataTransfer.files[0]);
    field.files = one.files;
    tell();
    field.focus();
  }

  field.addEventListener("change", tell);
  place.addEventListener("dragenter", over);
  place.addEventListener("dragover", over);
  place.addEventListener("dragleave", (event) => {
    if (!place.contains(event.relatedTarget)) place.classList.remove("over");
  });
  place.addEventListener("drop", dropped);
  // A file dropped beside the place would be opened instead of the page.
  for (const kind of ["dragover", "drop"]) {
    window.addEventListener(kind, (event) => event.preventDefault());
  }
})();
