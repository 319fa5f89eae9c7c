// Follows the log while somebody looks at it, and searches as somebody types. Without it the form and its page do.
"use strict";
(() => {
  const MOST = 3000;
  const box = document.getElementById("lines");
  const form = document.getElementById("sieve");
  const says = document.getElementById("says");
  const toggle = document.getElementById("follow");
  const fresh = document.getElementById("fresh");
  const known = new Set();
  let url = box.dataset.follow;
  let latest = box.dataset.latest;
  let wanted = url !== "";
  let source = null;
  let retry = 0;
  let waiting = [];
  let unseen = 0;
  let failed = 0;
  let first = says.textContent;

  for (const row of box.children) known.add(row.dataset.key);
  const atEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < 30;
  const toEnd = () => { box.scrollTop = box.scrollHeight; unseen = 0; fresh.hidden = true; };
  const several = () => box.classList.contains("several");

  function element(name, text, className) {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function rowOf([key, time, server, stream, level, text, more]) {
    const row = element("p", "", `${stream} ${level}`);
    row.dataset.key = key;
    row.dataset.time = time;
    const at = element("a", `${time.slice(5, 10)} ${time.slice(11, 23)}`);
    at.href = `${box.dataset.base}/logs?${new URLSearchParams({server, around: time})}`;
    row.append(at, " ");
    if (several()) row.append(element("b", server), " ");
    const words = element("span", text);
    if (more) words.append(element("i", ` … ${more} more characters, which the download has`));
    row.append(words);
    return row;
  }

  // Lines of one server may bear the same time; they are in the order in which they stand in its file.
  function isAfter(one, other) {
    if (one.dataset.time !== other.dataset.time) return one.dataset.time > other.dataset.time;
    const [server, place] = one.dataset.key.split("@");
    const [another, elsewhere] = other.dataset.key.split("@");
    if (server !== another) return false;
    const [segment, offset] = place.split(":").map(Number);
    const [segmentThere, offsetThere] = elsewhere.split(":").map(Number);
    return segment === segmentThere ? offset > offsetThere : segment > segmentThere;
  }

  function place(row) {
    let before = box.lastElementChild;
    while (before && isAfter(before, row)) before = before.previousElementSibling;
    if (before) before.after(row); else box.prepend(row);
  }

  function drop() {
    known.delete(box.firstElementChild.dataset.key);
    box.firstElementChild.remove();
  }

  // What has come is shown once a frame, however many events it came in, and moves nothing that somebody reads.
  function show() {
    const stays = atEnd();
    const came = waiting;
    waiting = [];
    for (const line of came.slice(-MOST)) {
      if (known.has(line[0])) continue;
      known.add(line[0]);
      place(rowOf(line));
      if (!stays) unseen += 1;
    }
    while (stays && box.childElementCount > MOST) drop();
    if (stays) toEnd();
    else if (unseen) { fresh.textContent = `${unseen} new line${unseen === 1 ? "" : "s"} below`; fresh.hidden = false; }
  }

  function take(lines) {
    if (!waiting.length) requestAnimationFrame(show);
    waiting.push(...lines);
    if (waiting.length > 2 * MOST) waiting = waiting.slice(-MOST);
  }

  function leave() {
    clearTimeout(retry);
    source?.close();
    source = null;
  }

  function open(past) {
    leave();
    if (!wanted || !url || document.visibilityState !== "visible") return;
    const asked = new URL(url, location.href);
    asked.searchParams.set("token", box.dataset.token);
    if (past) asked.searchParams.set("past", "1"); else if (latest) asked.searchParams.set("from", latest);
    source = new EventSource(asked);
    source.addEventListener("lines", (event) => {
      latest = event.lastEventId || latest;
      take(JSON.parse(event.data));
    });
    source.addEventListener("found", (event) => take(JSON.parse(event.data)));
    source.addEventListener("searched", (event) => {
      const {whole, count} = JSON.parse(event.data);
      latest = event.lastEventId || latest;
      requestAnimationFrame(() => { while (count && box.childElementCount > count && atEnd()) drop(); });
      const found = count === 0 ? "No line is like that yet" : `${count} line${count === 1 ? "" : "s"}`;
      say(`${found}${whole ? "" : ", and the search was stopped: narrow it"}; what comes is added.`);
    });
    source.addEventListener("left", (event) => say(`More comes than can be read: some lines of ${JSON.parse(event.data).join(", ")} are left out.`));
    source.addEventListener("open", () => { failed = 0; if (!past) say(first ? `${first} What comes is added.` : "What comes is added."); first = ""; });
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      failed += 1;
      say(failed < 3 ? "The stream has ended; it is tried again." : "The stream does not begin again. Reload the page.");
      retry = setTimeout(() => open(past), Math.min(5000 * failed, 60000));
    });
  }

  function say(text) { if (says.textContent !== text) says.textContent = text; }

  function press(on) {
    wanted = on;
    toggle.setAttribute("aria-pressed", String(on));
    toggle.textContent = on ? "Following" : "Follow";
    if (on) { toEnd(); open(false); } else { leave(); say("Not followed."); }
  }

  function search() {
    const asked = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    if (asked.has("until")) { form.submit(); return; }
    const query = asked.size ? `?${asked}` : "";
    history.replaceState(null, "", query || location.pathname); // relative: the page's URL may hold a password
    url = `${form.action}/follow${query}`;
    document.getElementById("download").href = `${form.action}/download${query}`;
    document.querySelector(".older")?.remove();
    box.classList.toggle("several", !asked.get("server"));
    const heading = asked.get("server") ? `Log of ${asked.get("server")}` : "Logs of all servers";
    document.querySelector("h1").textContent = heading;
    document.title = `${heading} · MCP`;
    box.replaceChildren();
    known.clear();
    waiting = [];
    latest = "";
    unseen = 0;
    fresh.hidden = true;
    wanted = true;
    toggle.hidden = false;
    toggle.setAttribute("aria-pressed", "true");
    toggle.textContent = "Following";
    say("Looking …");
    open(true);
  }

  let typed = 0;
  form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(typed); search(); });
  form.addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(search, 500); });
  toggle.addEventListener("click", () => press(!wanted));
  fresh.addEventListener("click", () => { toEnd(); box.focus(); });
  box.addEventListener("scroll", () => { if (atEnd()) { unseen = 0; fresh.hidden = true; } }, {passive: true});
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") open(false); else leave(); });
  addEventListener("pagehide", leave);
  toggle.hidden = url === "";
  const meant = box.querySelector(".meant");
  if (meant) meant.scrollIntoView({block: "center"}); else toEnd();
  if (wanted) press(true);
})();
