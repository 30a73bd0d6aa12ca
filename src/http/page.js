(() => {
  "use strict";
  const pause = 5000;
  async function refresh() {
    try {
      const active = document.activeElement;
      const typing = active && active.form;
      if (!document.hidden && !typing) {
        const response = await fetch(location.href, { cache: "no-store" });
        if (response.ok) {
          const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
          for (const part of ["#now", "main"]) {
            document.querySelector(part).replaceWith(fresh.querySelector(part));
          }
        }
      }
    } catch {
      // It is tried again.
    }
    setTimeout(refresh, pause);
  }
  setTimeout(refresh, pause);
})();
