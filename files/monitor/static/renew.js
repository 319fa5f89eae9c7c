// Renews the page while somebody looks at it and is in the middle of nothing.
"use strict";
(() => {
  const every = Number(document.currentScript.dataset.seconds) * 1000;
  let due = Date.now() + every;
  const busy = () => document.activeElement?.matches("input, select, textarea") || !getSelection().isCollapsed;
  const look = () => {
    if (document.visibilityState === "visible" && Date.now() >= due && !busy()) {
      due = Infinity;
      location.reload();
    }
  };
  setInterval(look, 1000);
  document.addEventListener("visibilitychange", look);
})();
