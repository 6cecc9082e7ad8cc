// Imports: files and folders dropped or chosen are sent two at a time, then followed live while they are read.
(() => {
  "use strict";
  const AT_ONCE = 2, MOST_FOLLOWED = 2, TRIES = 3, LOOK_MS = 5000, SPEAK_MS = 5000;
  const form = document.getElementById("import-form"), batches = document.getElementById("batches");
  const followed = new Map(); // batch id -> EventSource or timer

  // --- a batch, followed until it is finished

  function speak(section, text, isLast) {
    const now = performance.now(), place = section.querySelector("[data-spoken]");
    if (!isLast && now - Number(section.dataset.spokenAt || -SPEAK_MS) < SPEAK_MS) return;
    section.dataset.spokenAt = String(now);
    place.textContent = text;
  }

  function putRow(section, id, html) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html.trim();
    const row = fresh.content.firstElementChild, old = document.getElementById(row.id);
    if (old && old.dataset.mark === row.dataset.mark) return;
    if (old) old.replaceWith(row);
    else section.querySelector(".files").append(row);
    htmx.process(row);
  }

  function show(section, told) {
    for (const [number, html] of Object.entries(told.rows)) putRow(section, number, html);
    const bar = section.querySelector("progress");
    bar.max = told.files;
    bar.value = told.done;
    section.querySelector("[data-said]").textContent = told.said;
    section.toggleAttribute("data-finished", told.finished);
    section.querySelector("[data-while-open]").hidden = told.finished;
    section.querySelector("[data-with-problems]").hidden = !(told.finished && told.files > 1 && section.querySelector(".file .pill.warn"));
    speak(section, told.said, told.finished);
  }

  function over(id) {
    const ear = followed.get(id);
    if (ear?.close) ear.close();
    else clearInterval(ear);
    followed.delete(id);
    followOpen();
    for (const [name, address] of [["earlier", "/import"], ["waiting", "/import/waiting"], ["inbox-count", "/inbox/count"]]) {
      const source = document.getElementById(name);
      if (source) htmx.ajax("GET", address, { source, target: source, swap: "innerHTML" });
    }
  }

  async function poll(id) { // without EventSource
    const answer = await fetch(`/import/batches/${id}`, { headers: { "HX-Request": "true" } });
    const section = document.getElementById(`b-${id}`);
    if (!answer.ok || !section) return over(id);
    const fresh = document.createElement("template");
    fresh.innerHTML = await answer.text();
    const next = fresh.content.querySelector("[data-batch]");
    section.replaceWith(next);
    htmx.process(next);
    if (next.hasAttribute("data-finished")) over(id);
  }

  function follow(id) {
    if (followed.has(id) || followed.size >= MOST_FOLLOWED) return; // a browser has few connections to one hub
    if (!window.EventSource) return void followed.set(id, setInterval(() => poll(id).catch(() => {}), 2000));
    const ear = new EventSource(`/import/batches/${id}/stream`);
    followed.set(id, ear);
    ear.onmessage = (event) => {
      const told = JSON.parse(event.data), section = document.getElementById(`b-${id}`);
      if (!section) return over(id);
      show(section, told);
      if (told.finished) over(id);
    };
    ear.onerror = () => { // the browser tries again by itself, unless the batch is forgotten
      if (ear.readyState === EventSource.CLOSED) over(id);
    };
  }

  function followOpen() {
    const open = [...document.querySelectorAll("[data-batch]:not([data-finished])")];
    for (const section of open.reverse()) follow(section.dataset.batch); // the oldest is read first
  }

  function place(html) {
    batches.insertAdjacentHTML("afterbegin", html);
    htmx.process(batches.firstElementChild);
    followOpen();
  }

  async function lookForNew() { // a watched folder or a stick may have brought something
    if (document.hidden || batches.hasAttribute("data-only")) return;
    const answer = await fetch("/import/batches", { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    for (const id of (await answer.json()).reverse()) {
      if (document.getElementById(`b-${id}`)) continue;
      const fresh = await fetch(`/import/batches/${id}`, { headers: { "HX-Request": "true" } });
      if (fresh.ok && !document.getElementById(`b-${id}`)) place(await fresh.text());
    }
  }

  document.addEventListener("htmx:afterRequest", (event) => { // a retry opens a finished batch again
    const id = event.target.closest?.("[data-batch]")?.dataset.batch;
    if (!id || event.detail.requestConfig?.verb !== "post" || followed.has(id)) return;
    follow(id);
    if (!followed.has(id)) poll(id).catch(() => {});
  });
  window.addEventListener("pagehide", () => followed.forEach((ear) => ear.close?.()));
  followOpen();
  setInterval(() => lookForNew().catch(() => {}), LOOK_MS);
  if (!form) return;

  // --- files on their way to the hub

  let open = 0; // sendings under way
  const limit = Number(form.dataset.limit);
  const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`);

  function send(file, name, progress, abort) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      abort.add(request);
      request.open("POST", `/import/files?name=${encodeURIComponent(name)}`);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.setRequestHeader("Accept", "application/json");
      request.upload.onprogress = (event) => progress(event.loaded);
      request.onload = () => {
        let said = {};
        try { said = JSON.parse(request.responseText); } catch { /* not ours */ }
        if (request.status === 201) resolve(said.id);
        else reject(Object.assign(new Error(said.detail || "The hub refused it."), { isFinal: request.status < 500 }));
      };
      request.onerror = () => reject(new Error("The hub did not answer."));
      request.onabort = () => reject(Object.assign(new Error("Cancelled."), { isFinal: true }));
      request.onloadend = () => abort.delete(request);
      request.send(file);
    });
  }

  async function sendAll(found) {
    const card = document.getElementById("sending").content.cloneNode(true).firstElementChild;
    const part = (name) => card.querySelector(`[data-${name}]`), bar = card.querySelector("progress");
    const total = found.reduce((sum, it) => sum + it.file.size, 0);
    const sent = new Map(), kept = new Array(found.length), abort = new Set();
    let next = 0, done = 0, stopped = false;
    batches.before(card);
    open += 1;

    function tell() {
      const bytes = [...sent.values()].reduce((sum, n) => sum + n, 0);
      part("title").textContent = found.length === 1 ? `Sending ${found[0].name}` : `Sending ${found.length} files`;
      part("said").textContent = `${done} of ${found.length} sent · ${size(Math.min(bytes, total))} of ${size(total)}`;
      bar.value = total ? Math.min(1, bytes / total) : 0;
      speak(card, part("said").textContent, done === found.length);
    }
    function fail(name, why) {
      const line = document.createElement("li");
      line.textContent = `${name}: ${why}`;
      part("faults").append(line);
    }
    async function one(at) {
      const { file, name } = found[at];
      if (file.size > limit) return fail(name, `it is larger than ${size(limit)}.`);
      for (let tries = 1; !stopped; tries++) {
        try {
          kept[at] = { id: await send(file, name, (n) => { sent.set(at, n); tell(); }, abort), name };
          sent.set(at, file.size);
          return;
        } catch (error) {
          if (stopped) return;
          if (error.isFinal || tries === TRIES) return fail(name, error.message);
          await new Promise((resolve) => setTimeout(resolve, 1000 * tries));
        }
      }
    }
    async function worker() {
      while (next < found.length && !stopped) {
        await one(next++);
        done += 1;
        tell();
      }
    }
    part("stop").addEventListener("click", () => {
      stopped = true;
      for (const request of abort) request.abort();
    });
    tell();
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    open -= 1;
    const arrived = kept.filter(Boolean);
    if (stopped) {
      for (const it of arrived) fetch(`/import/files/${it.id}/forget`, { method: "POST" });
      return card.remove();
    }
    if (arrived.length) await start(arrived, fail);
    part("stop").textContent = "Close";
    part("stop").addEventListener("click", () => card.remove());
    if (!part("faults").children.length) card.remove();
    else part("title").textContent = "Some files could not be sent";
  }

  async function start(files, fail) {
    try {
      const answer = await fetch("/import/start", {
        method: "POST",
        headers: { "Content-Type": "application/json", "HX-Request": "true" },
        body: JSON.stringify({ files, athlete_id: form.elements.athlete_id.value }),
      });
      if (answer.ok) return place(await answer.text());
      const said = document.createElement("template");
      said.innerHTML = await answer.text();
      fail(`${files.length} files`, said.content.textContent.trim());
    } catch {
      fail(`${files.length} files`, "The hub did not answer. Check the Wi-Fi and try again.");
    }
  }

  function take(found) {
    const wanted = found.filter((it) => !it.name.split("/").some((part) => part.startsWith(".") || part === "__MACOSX"));
    if (wanted.length) sendAll(wanted);
  }

  // --- dropped or chosen

  async function walk(entry, folder) {
    const name = folder + entry.name;
    if (entry.isFile) return [{ file: await new Promise((yes, no) => entry.file(yes, no)), name }];
    const reader = entry.createReader(), found = [];
    for (;;) { // a reader gives at most a hundred at a time
      const some = await new Promise((yes, no) => reader.readEntries(yes, no));
      if (!some.length) return found;
      for (const each of some) found.push(...(await walk(each, `${name}/`)));
    }
  }

  async function dropped(transfer) {
    const parts = [...transfer.items].filter((it) => it.kind === "file").map((it) => [it.webkitGetAsEntry?.(), it.getAsFile()]);
    const found = [];
    for (const [entry, file] of parts) {
      try {
        if (entry) found.push(...(await walk(entry, "")));
        else if (file) found.push({ file, name: file.name });
      } catch {
        if (file) found.push({ file, name: file.name });
      }
    }
    take(found);
  }

  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  let inside = 0;
  const mark = () => form.classList.toggle("is-over", inside > 0);
  document.addEventListener("dragenter", (event) => { if (carriesFiles(event)) { inside += 1; mark(); } });
  document.addEventListener("dragleave", (event) => { if (carriesFiles(event)) { inside = Math.max(0, inside - 1); mark(); } });
  document.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    inside = 0;
    mark();
    dropped(event.dataTransfer);
  });
  for (const input of form.querySelectorAll("[data-choose]"))
    input.addEventListener("change", () => {
      take([...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })));
      input.value = "";
    });
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("beforeunload", (event) => { if (open) event.preventDefault(); });
  for (const plain of form.querySelectorAll(".plain-only")) plain.remove();
  form.classList.add("is-live");
})();
