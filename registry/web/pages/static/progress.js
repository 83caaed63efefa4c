/* Asks how far a staff list has come, and opens its results when it has ended. Without script the page loads again by itself. */
(() => {
  "use strict";

  const PAUSE_MS = 1000;
  const LONGEST_PAUSE_MS = 15000;
  const bar = document.querySelector("[data-progress]");
  const text = document.getElementById("progress-text");
  if (!bar || !text) return;

  // Said aloud now and then, not at every step.
  const SAID_EVERY_MS = 10000;
  const status = document.createElement("p");
  status.className = "unseen";
  status.setAttribute("aria-live", "polite");
  text.after(status);

  let pause = PAUSE_MS;
  let saidAt = 0;

  function show(now) {
    bar.max = now.rows;
    bar.value = now.done;
    if (text.textContent === now.text) return;
    text.textContent = now.text;
    if (Date.now() - saidAt < SAID_EVERY_MS) return;
    saidAt = Date.now();
    status.textContent = now.text;
  }

  async function ask() {
    try {
      // A login that has ended leads elsewhere: not followed, but told, and the page itself goes there.
      const answer = await fetch(bar.dataset.progress, {
        headers: { Accept: "application/json" },
        redirect: "manual",
      });
      // Deleted, or no longer ours to see: the page itself says so.
      if (answer.type === "opaqueredirect" || answer.status === 404 || answer.status === 401) {
        location.reload();
        return;
      }
      if (!answer.ok) throw new Error("not answered");
      const now = await answer.json();
      if (now.ended) {
        location.reload();
        return;
      }
      show(now);
      pause = PAUSE_MS;
    } catch {
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
    setTimeout(ask, pause);
  }

  setTimeout(ask, pause);
})();
