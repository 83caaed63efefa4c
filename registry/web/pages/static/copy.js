/* A button that copies the reference of a check. Without script the reference stands there as text to select; where copying
   is refused, it is selected instead. */
(() => {
  "use strict";

  for (const place of document.querySelectorAll("[data-copy]")) {
    const text = document.getElementById(place.dataset.copy);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button second";
    button.textContent = place.dataset.copyLabel;

    const status = document.createElement("span");
    status.className = "quiet";
    status.setAttribute("role", "status");

    const line = document.createElement("p");
    line.className = "actions";
    line.append(button, status);
    text.after(line);

    button.addEventListener("click", async () => {
      status.textContent = "";
      try {
        await navigator.clipboard.writeText(text.textContent.trim());
        status.textContent = place.dataset.copyDone;
      } catch {
        getSelection().selectAllChildren(text);
      }
    });
  }
})();
