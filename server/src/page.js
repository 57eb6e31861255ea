// Listens, and puts what comes into the page.
const content = document.getElementById("content");
const live = document.getElementById("live");
if (content && live) {
  const source = new EventSource("/page/events");
  source.addEventListener("open", () => { live.textContent = "live"; });
  source.addEventListener("error", () => { live.textContent = "the server is away; trying again"; });
  source.addEventListener("content", (event) => { content.innerHTML = event.data; });
}
