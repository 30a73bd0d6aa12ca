(() => {
  "use strict";
  const pause = 5000;
  const patience = 10000;
  const parts = ["#now", "main", "footer"];
  const contact = document.querySelector("#contact");

  // What is replaced would be lost: a text that is being selected, or a form that is being filled in.
  const isBusy = () => document.activeElement?.form || getSelection().type === "Range";

  function lost(why) {
    const since = document.querySelector("#at").textContent;
    const text = `No contact since ${since} (${why}). The page shows what was known then.`;
    if (contact.textContent !== text) contact.textContent = text;
    contact.hidden = false;
    document.body.classList.add("lost");
    document.title = "No contact – CloudAudit exporter";
  }

  function show(fresh) {
    const links = () => [...document.querySelectorAll("main a, main summary")];
    const focused = links().indexOf(document.activeElement);
    const folds = new Map();
    for (const it of document.querySelectorAll("main section[id]")) folds.set(it.id, it.firstElementChild.open);
    for (const part of parts) document.querySelector(part).replaceWith(fresh.querySelector(part));
    for (const it of document.querySelectorAll("main section[id]")) {
      if (folds.has(it.id)) it.firstElementChild.open = folds.get(it.id);
    }
    links()[focused]?.focus({ preventScroll: true });
  }

  async function refresh() {
    try {
      const response = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(patience) });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      if (!parts.every((part) => fresh.querySelector(part))) throw new Error("another page answers");
      contact.hidden = true;
      document.body.classList.remove("lost");
      document.title = fresh.title;
      if (!isBusy()) show(fresh);
    } catch (error) {
      lost(error.message);
    }
  }

  async function run() {
    if (!document.hidden) await refresh();
    setTimeout(run, pause);
  }
  setTimeout(run, pause);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
})();
