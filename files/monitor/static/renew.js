// Brings what is new into the page while somebody looks at it and is in the middle of nothing. The page stays the same
// one, so that nothing jumps: opened details, scrolled boxes and the focus are as they were.
"use strict";
(() => {
  const own = document.currentScript;
  let seconds = own.dataset.seconds;
  let due = Date.now() + seconds * 1000;
  const busy = () => document.activeElement?.matches("input, select, textarea") || !getSelection().isCollapsed;
  const boxes = (content) => [...content.querySelectorAll(".scroll, .lines, pre")];
  const details = (content) => [...content.querySelectorAll("details")];

  function replace(found) {
    const [here, there] = [document, found].map((page) => page.getElementById("content"));
    const focused = here.contains(document.activeElement) ? document.activeElement.outerHTML : "";
    const [opened, scrolled] = [details(here).map((each) => each.open), boxes(here).map((each) => [each.scrollLeft, each.scrollTop])];
    for (const id of ["notices", "content"]) document.getElementById(id).replaceWith(found.getElementById(id));
    if (opened.length === details(there).length) details(there).forEach((each, place) => { each.open = opened[place]; });
    if (scrolled.length === boxes(there).length) boxes(there).forEach((each, place) => each.scrollTo(...scrolled[place]));
    if (focused) [...there.querySelectorAll("a, button, summary, [tabindex]")].find((each) => each.outerHTML === focused)?.focus({preventScroll: true});
    document.querySelector("link[rel=icon]").href = found.querySelector("link[rel=icon]").href;
    document.title = found.title;
  }

  async function look() {
    if (document.visibilityState !== "visible" || Date.now() < due || busy()) return;
    due = Infinity;
    try {
      const asked = new URL(location.pathname + location.search, location.origin); // the page's URL may hold a password
      const answer = await fetch(asked, {cache: "no-store", headers: {"X-Monitor-Token": own.dataset.token}});
      if (answer.status === 429 || answer.status >= 500) throw answer;
      const found = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!found.getElementById("content")) return location.reload();
      replace(found);
      seconds = found.querySelector("script[data-seconds]")?.dataset.seconds ?? Infinity; // one that has come to its end rests
    } catch { /* it is tried again */ }
    due = Date.now() + seconds * 1000;
  }

  setInterval(look, 1000);
  document.addEventListener("visibilitychange", look);
})();
