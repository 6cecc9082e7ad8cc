// Patches the rendered tiles with one frame a second; says so when frames stay away. Words nothing itself.
(() => {
  "use strict";
  const FIELDS = ["bpm", "zone", "percent", "banister", "edwards", "coverage", "speed", "cadence", "status"];
  const DIM_MS = 3000, STALE_MS = 5000, LOST_MS = 15000;
  let tiles = [], source = null, arrived = performance.now(), opened = arrived, clock = "", busy = false, lost = false;

  const byId = (id) => document.getElementById(id);
  const put = (node, text) => { if (node && node.textContent !== text) node.textContent = text; };
  const attribute = (node, name, value) => { if (node.getAttribute(name) !== value) node.setAttribute(name, value); };

  function gather() {
    tiles = [...document.querySelectorAll(".tile")].map((tile) => ({
      tile, fill: tile.querySelector(".fill"), fields: FIELDS.map((name) => tile.querySelector("." + name)),
    }));
  }

  function patch(frame) {
    ["elapsed", "fresh", "unassigned", "warning"].forEach((id, i) => put(byId(id), frame.top[i]));
    frame.tiles.forEach(([classes, bar, ...texts], i) => {
      const { tile, fill, fields } = tiles[i];
      attribute(tile, "class", classes);
      attribute(fill, "width", bar);
      texts.forEach((text, j) => put(fields[j], text));
    });
  }

  async function refetch() {
    if (busy) return;
    busy = true;
    try { await htmx.ajax("GET", "/board", { target: "#board", swap: "morph:outerHTML" }); } finally { busy = false; }
    gather();
    watch();
  }

  function blank() {
    for (const { tile, fill, fields } of tiles) {
      attribute(tile, "class", "tile is-stale z-none");
      attribute(fill, "width", "0");
      ["–", "", ""].forEach((text, j) => put(fields[j], text));
      ["", "", "▲ no link"].forEach((text, j) => put(fields[6 + j], text));
    }
  }

  function receive(event) {
    const frame = JSON.parse(event.data);
    arrived = performance.now();
    clock = frame.clock;
    if (byId("board").dataset.key === frame.key && frame.tiles.length === tiles.length) patch(frame);
    else refetch();
    watch();
  }

  function watch() {
    const age = performance.now() - arrived, pill = byId("link");
    const [tone, text] = age <= DIM_MS && clock ? ["ok", "Live"]
      : age <= LOST_MS ? ["busy", clock ? `Reconnecting (${Math.floor(age / 1000)} s)` : "Connecting"]
      : ["warn", clock ? `Hub unreachable since ${clock}` : "Hub unreachable"];
    attribute(pill, "class", "pill " + tone);
    put(pill, text);
    byId("board").classList.toggle("is-late", age > DIM_MS);
    if (age > STALE_MS) { if (!lost) blank(); lost = true; } else lost = false;
    if (age > STALE_MS && performance.now() - opened > STALE_MS) open();
  }

  function open() {
    opened = performance.now();
    source?.close();
    source = new EventSource("/board/stream");
    source.onmessage = receive;
    source.onerror = async () => {
      if (source.readyState !== EventSource.CLOSED) return;
      const answer = await fetch("/board", { headers: { "HX-Request": "true" } }).catch(() => null);
      if (answer?.status === 401) location.assign("/sign-in");
    };
  }

  async function stayAwake() {
    if (document.visibilityState === "visible") await navigator.wakeLock?.request("screen").catch(() => null);
  }

  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  document.addEventListener("visibilitychange", stayAwake);
  gather();
  open();
  stayAwake();
  setInterval(watch, 500);
})();
