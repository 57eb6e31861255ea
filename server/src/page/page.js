// Listens, and changes what differs on the page: elements that stay keep their focus, their selection and whether they are open.
// A stream that the server refuses is asked about: without a session one logs in, anything else is tried again.
const content = document.getElementById("content");
const live = document.getElementById("live");
const base = document.body.dataset.base;
const shortest = 1000, longest = 30000;
let pause = shortest;
let source = null;

// Two nodes are the same thing when they are of one kind and have the same key or id.
function same(one, other) {
  if (one.nodeType !== other.nodeType || one.nodeName !== other.nodeName) return false;
  return one.nodeType !== Node.ELEMENT_NODE || (one.dataset.key === other.dataset.key && one.id === other.id);
}

function attributes(element, wanted) {
  for (const { name } of [...element.attributes]) if (name !== "open" && !wanted.hasAttribute(name)) element.removeAttribute(name);
  for (const { name, value } of wanted.attributes) if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// Make `parent`'s children those of `wanted`, in their order, changing as little as can be.
function patch(parent, wanted) {
  const keyed = new Map();
  for (const child of parent.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
  let at = parent.firstChild;
  for (const next of [...wanted.childNodes]) {
    const known = next.nodeType === Node.ELEMENT_NODE && next.dataset.key ? keyed.get(next.dataset.key) : null;
    let node = at;
    if (known && same(known, next)) {
      if (known !== at) parent.insertBefore(known, at); else at = at.nextSibling;
      node = known;
    } else if (at && same(at, next) && !(at.dataset && at.dataset.key)) {
      at = at.nextSibling;
    } else {
      parent.insertBefore(next, at);
      continue;
    }
    if (node.nodeType === Node.ELEMENT_NODE) {
      attributes(node, next);
      patch(node, next);
    } else if (node.nodeValue !== next.nodeValue) {
      node.nodeValue = next.nodeValue;
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function show(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  patch(content, template.content);
}

function again() {
  live.textContent = "the server is away; trying again";
  setTimeout(listen, pause);
  pause = Math.min(2 * pause, longest);
}

function ask() {
  fetch(base + "/page/session", { cache: "no-store" }).then((answer) => {
    if (answer.status !== 401 && answer.status !== 403) return again();
    const door = document.createElement("a");
    door.href = base + "/";
    door.textContent = "log in again";
    live.replaceChildren("the session has ended: ", door);
  }, again);
}

function listen() {
  source = new EventSource(base + document.body.dataset.events);
  source.addEventListener("open", () => { pause = shortest; live.textContent = "live"; });
  source.addEventListener("content", (event) => show(event.data));
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) return ask();
    // The browser tries again by itself.
    live.textContent = "the server is away; trying again";
  });
}

// A browser keeps pages that were left, with their connections, and opens six to a server: the seventh page would wait for one of them.
function leave() {
  if (source) source.close();
  source = null;
}

if (content && live) {
  listen();
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
}
