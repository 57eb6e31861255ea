// Listens, and puts what comes into the page. A stream that the server refuses is asked about: without a session one logs in, anything else is tried again.
const content = document.getElementById("content");
const live = document.getElementById("live");
const base = document.body.dataset.base;
const shortest = 1000, longest = 30000;
let pause = shortest;

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
  const source = new EventSource(base + "/page/events");
  source.addEventListener("open", () => { pause = shortest; live.textContent = "live"; });
  source.addEventListener("content", (event) => { content.innerHTML = event.data; });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) return ask();
    // The browser tries again by itself.
    live.textContent = "the server is away; trying again";
  });
}

if (content && live) listen();
