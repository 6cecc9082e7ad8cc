// Uploads bundles with progress and follows them until they are taken; without it the plain form does the same.
"use strict";
(() => {
  const form = document.getElementById("bundle-form");
  const sending = document.getElementById("bundle-sending");
  const jobs = document.getElementById("bundle-jobs");
  const said = document.getElementById("bundle-said");
  const input = form.querySelector("input[type=file]");
  const limit = Number(form.dataset.limit);
  let open = 0;
  let asking = false;

  function line(name) {
    const item = document.createElement("li");
    item.className = "result is-busy";
    const words = document.createElement("p");
    words.textContent = `Sending ${name}`;
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", "Sent");
    item.append(words, bar);
    sending.append(item);
    return { item, words, bar };
  }

  function fail(row, name, why) {
    row.item.className = "result is-refused";
    row.bar.remove();
    row.words.textContent = `${name}: ${why}`;
    said.textContent = row.words.textContent;
  }

  function send(file) {
    const row = line(file.name);
    if (file.size > limit) return fail(row, file.name, "it is larger than 2 GB");
    open += 1;
    const request = new XMLHttpRequest();
    request.open("POST", `/bundles/file?name=${encodeURIComponent(file.name)}`);
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) row.bar.value = event.loaded / event.total; });
    request.addEventListener("loadend", () => {
      open -= 1;
      if (request.responseURL.endsWith("/sign-in")) return void location.assign("/sign-in");
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* no answer of ours */ }
      if (request.status !== 200 || !answer.id) return fail(row, file.name, answer.fault || "it did not arrive; try again");
      row.item.remove();
      said.textContent = `${file.name} has arrived.`;
      follow();
    });
    request.send(file);
  }

  async function follow() {
    if (asking) return;
    asking = true;
    try {
      for (;;) {
        const answer = await fetch("/bundles/jobs", { headers: { Accept: "text/html" } });
        if (answer.redirected || !answer.ok) break;
        const had = jobs.querySelectorAll(".is-busy").length;
        jobs.innerHTML = await answer.text();
        const first = jobs.querySelector(".result");
        const left = jobs.querySelectorAll(".is-busy").length;
        if (had && left < had && first) said.textContent = first.innerText;
        if (!jobs.querySelector("[data-busy]")) break;
        await new Promise((go) => setTimeout(go, 700));
      }
    } finally {
      asking = false;
    }
  }

  const take = (files) => [...files].forEach(send);
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  let inside = 0;
  const mark = () => form.classList.toggle("is-over", inside > 0);
  document.addEventListener("dragenter", (event) => { if (carries(event)) { inside += 1; mark(); } });
  document.addEventListener("dragleave", (event) => { if (carries(event)) { inside = Math.max(0, inside - 1); mark(); } });
  document.addEventListener("dragover", (event) => { if (carries(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    inside = 0;
    mark();
    take(event.dataTransfer.files);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take(input.files);
    form.reset();
  });
  window.addEventListener("beforeunload", (event) => { if (open) event.preventDefault(); });
  form.querySelector(".drop-words").hidden = false;
  if (jobs.querySelector("[data-busy]")) follow();
})();
