// The chat page. Gradio runs this once, as the body of a function, with `element` (our part of the page) and `server`
// (the Python functions that app.py names; they give undefined, and do not throw, when Python fails or is gone).
// Whatever comes as `html` was escaped by clippings/cite.py; what the user types is only ever set as text.

const find = (selector) => element.querySelector(selector);
const turns = find(".turns"), form = find(".composer"), box = find("textarea"), panel = find(".panel");
const story = find(".story"), bar = find(".bar"), chat = find(".chat"), clear = find(".clear"), empty = find(".empty");
const narrow = matchMedia("(max-width: 900px)");
let pending = null; // the turn that waits for its reply
let active = null; // the number, or title, whose article is shown
const faulty = find(".fault").textContent;

async function count() {
  const held = await server.held(); // another process may be adding articles
  if (!held || held === find(".held").textContent) return;
  find(".held").textContent = held;
  find(".list").innerHTML = (await server.contents()) ?? "";
}

function message(text) {
  const line = document.createElement("p");
  line.className = "message";
  line.textContent = text;
  return line;
}

function waiting(turn) {
  pending = turn;
  for (const button of [...form.querySelectorAll("button"), ...empty.querySelectorAll("button")])
    button.setAttribute("aria-disabled", String(Boolean(turn)));
}

async function take(action, question) {
  if (pending) return;
  const turn = find("template").content.firstElementChild.cloneNode(true);
  const reply = turn.querySelector(".reply"), kind = turn.querySelector(".kind"), copy = turn.querySelector(".copy");
  kind.textContent = kind.dataset[action];
  turn.querySelector(".question").textContent = question;
  empty.hidden = true;
  clear.hidden = false;
  turns.append(turn);
  turn.scrollIntoView({ block: "start" });
  waiting(turn);
  const answer = await server[action](question);
  count();
  if (answer?.html) reply.innerHTML = answer.html;
  else reply.replaceChildren(message(answer?.error ?? faulty));
  reply.removeAttribute("aria-busy");
  if (pending !== turn) return; // a new conversation was begun meanwhile
  waiting(null);
  if (answer?.text) {
    copy.hidden = false;
    copy.onclick = () => copied(copy, `${question}\n\n${answer.text}\n`);
  }
  turn.scrollIntoView({ block: "start" });
  const first = reply.querySelector(":scope > .quote .marker");
  if (narrow.matches) return;
  if (first) show(first);
  else shut(); // what another answer showed would look like this one's
}

async function copied(button, text) {
  await navigator.clipboard.writeText(text);
  button.dataset.copy ??= button.textContent; // a second click finds "Copied" on it
  button.textContent = find(".status").textContent = button.dataset.copied;
  setTimeout(() => (button.textContent = button.dataset.copy), 2000);
}

function mark(button) {
  active?.removeAttribute("aria-current");
  active = button;
  active?.setAttribute("aria-current", "true");
}

async function show(button) {
  mark(button);
  const { article, start, end } = button.dataset;
  const found = await server.show({ article, start: Number(start), end: Number(end) });
  if (active !== button) return; // another one was chosen meanwhile
  if (found?.html) story.innerHTML = found.html;
  else story.replaceChildren(message(found?.error ?? faulty));
  open();
  toPassage();
  find(".status").textContent = button.getAttribute("aria-label") ?? button.textContent;
  if (narrow.matches) find(".close").focus({ preventScroll: true });
}

function open() {
  panel.classList.add("open");
  bar.hidden = false;
  cover();
}

function list() {
  mark(null);
  story.replaceChildren();
  open();
  panel.scrollTo(0, 0);
  find(".back").hidden = true;
  find(".close").focus({ preventScroll: true });
}

function toPassage() {
  const passage = story.querySelector("#passage");
  find(".back").hidden = !passage;
  if (!passage) return panel.scrollTo(0, 0);
  const tall = passage.getBoundingClientRect().height > panel.clientHeight * 0.6;
  passage.scrollIntoView({ block: tall ? "start" : "center" });
}

function shut() {
  mark(null);
  panel.classList.remove("open");
  story.replaceChildren();
  panel.scrollTo(0, 0);
  bar.hidden = true;
  cover();
}

function close() {
  const button = active;
  shut();
  (button?.checkVisibility() ? button : find(".held")).focus({ preventScroll: true });
}

function cover() {
  // On a narrow screen the article lies over the conversation, which must then be out of reach.
  const over = narrow.matches && panel.classList.contains("open");
  chat.inert = find(".masthead").inert = over;
  panel.toggleAttribute("aria-modal", over);
  over ? panel.setAttribute("role", "dialog") : panel.removeAttribute("role");
}

function fit() {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, 180)}px`;
}

function send(action) {
  if (pending) return;
  const question = box.value;
  box.value = "";
  fit();
  take(action, question);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send("ask");
});
find(".summarize").addEventListener("click", () => send("summarize"));
box.addEventListener("input", fit);
box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send("ask");
});
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.article !== undefined) show(button);
  else if (button?.closest(".chips")) take("ask", button.textContent);
});
find(".held").addEventListener("click", list);
find(".close").addEventListener("click", close);
find(".back").addEventListener("click", toPassage);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && panel.classList.contains("open")) close();
});
narrow.addEventListener("change", cover);
clear.addEventListener("click", () => {
  shut(); // also an article that is on its way
  turns.replaceChildren(empty);
  empty.hidden = false;
  clear.hidden = true;
  waiting(null);
  box.focus();
});
count();
