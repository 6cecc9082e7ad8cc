// Small manners of every page: theme, tile number, table sorting, failures said aloud.
(() => {
  "use strict";
  const root = document.documentElement;
  const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private mode */ } };
  const metric = () => (root.className.match(/metric-(\w+)/) || [])[1];

  function showPressed() {
    for (const button of document.querySelectorAll("[data-metric]"))
      button.setAttribute("aria-pressed", String(button.dataset.metric === metric()));
  }

  function toast(text) {
    const place = document.getElementById("toast");
    place.textContent = text;
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => { place.textContent = ""; }, 6000);
  }

  function said(answer) { // the hub's own sentence, as a fragment or as JSON; "" where it has none
    const kind = answer.getResponseHeader("content-type") || "";
    try {
      if (kind.startsWith("application/json")) {
        const { detail, hint } = JSON.parse(answer.responseText);
        return answer.status < 500 || hint ? [detail, hint].filter(Boolean).join(" ") : "";
      }
      const box = kind.startsWith("text/html") && new DOMParser().parseFromString(answer.responseText, "text/html").querySelector("[role=alert]");
      return box ? [...box.querySelectorAll("p")].map((it) => it.textContent.trim()).join(" ") : "";
    } catch { return ""; }
  }

  function sortBy(button) {
    const head = button.closest("th"), body = head.closest("table").tBodies[0];
    const rows = [...body.rows], column = head.cellIndex;
    rows.forEach((row, at) => { row.dataset.at ??= String(at); });
    const next = { "": "descending", descending: "ascending", ascending: "" }[head.getAttribute("aria-sort") || ""];
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    if (next) head.setAttribute("aria-sort", next);
    const value = (row) => row.cells[column].dataset.value ?? "";
    const order = (a, b) => {
      const left = value(a), right = value(b);
      if (left === "" || right === "") return (left === "") - (right === "");
      const byNumber = Number(left) - Number(right);
      const step = Number.isNaN(byNumber) ? left.localeCompare(right) : byNumber;
      return next === "descending" ? -step : step;
    };
    rows.sort((a, b) => (next && order(a, b)) || a.dataset.at - b.dataset.at);
    body.append(...rows);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches("[data-theme-switch]")) {
      const night = root.classList.toggle("night");
      root.classList.toggle("sun", !night);
      keep("theme", night ? "night" : "sun");
      document.dispatchEvent(new Event("themechange"));
    } else if (button.dataset.metric) {
      root.classList.replace(`metric-${metric()}`, `metric-${button.dataset.metric}`);
      keep("metric", button.dataset.metric);
      showPressed();
    } else if (button.matches("[data-print]")) {
      window.print();
    } else if (button.closest("[data-sortable] th") && !button.hasAttribute("popovertarget")) {
      sortBy(button);
    }
  });

  document.addEventListener("toggle", (event) => { // a closed drawer asks the hub no more
    if (event.target.matches(".drawer") && event.newState === "closed") document.getElementById(`${event.target.id}-content`).replaceChildren();
  }, true);

  document.addEventListener("htmx:sendError", (event) => {
    if (event.target.id !== "cloud" && event.target.id !== "sync") toast("The hub did not answer. Check the Wi-Fi and try again.");
  });
  document.addEventListener("htmx:responseError", (event) => {
    toast(said(event.detail.xhr) || (event.detail.xhr.status === 413 ? "That is too large: 2 GB is the limit for a file." : "That did not work. Try again."));
  });
  // A hub without a battery may not know the time; it decides itself how far a tablet is believed.
  function tellTime() {
    fetch("/clock", { method: "POST", headers: { "content-type": "application/json" },
      body: JSON.stringify({ now_ms: Date.now() }) }).catch(() => { /* the next one will do */ });
  }
  document.addEventListener("DOMContentLoaded", () => {
    if (!document.querySelector('form[action="/sign-out"]')) return; // nobody is signed in
    tellTime();
    setInterval(tellTime, 120000);
  });

  document.addEventListener("htmx:afterSwap", showPressed);
  document.addEventListener("DOMContentLoaded", showPressed);
})();
