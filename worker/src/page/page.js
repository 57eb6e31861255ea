// Asks for the content every two seconds; what is focused (a button above it) stays as it is.
const content = document.getElementById("content");
const live = document.getElementById("live");

async function look() {
  try {
    const answer = await fetch("/content", { cache: "no-store" });
    if (answer.ok) {
      const text = await answer.text();
      if (content.dataset.text !== text) { content.innerHTML = text; content.dataset.text = text; }
      live.textContent = "";
    } else {
      live.textContent = "the page's token is no longer good: open the address that baton worker page printed";
    }
  } catch {
    live.textContent = "the page was ended on this machine";
  }
  setTimeout(look, 2000);
}

look();
