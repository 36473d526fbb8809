// The panel that makes the stand-ins misbehave.

import { fragment, post, toast } from "./api.js";

const panel = document.querySelector(".faults");
const body = panel.querySelector(".faults-body");
const toggle = document.querySelector(".faults-toggle");
let shown = "";
let timer = 0;

async function draw() {
  try {
    const { html, active } = await (await fetch("/client/faults")).json();
    const count = toggle.querySelector(".faults-count");
    count.hidden = !active;
    count.textContent = active;
    if (html === shown || body.contains(document.activeElement?.closest("input"))) return;
    shown = html;
    body.replaceChildren(fragment(html));
  } catch {
    // The connection mark in the page already tells that the server is away.
  }
}

export function showFaults(open) {
  panel.hidden = !open;
  toggle.setAttribute("aria-expanded", String(open));
  clearInterval(timer);
  if (open) timer = setInterval(draw, 2000);
  draw();
}

async function change(path, element, more) {
  const name = element.closest("[data-panel]").dataset.panel;
  try {
    await post(path, { panel: name, ...more });
  } catch (problem) {
    toast(problem.message);
  }
  shown = "";
  document.activeElement?.blur();
  draw();
}

toggle.addEventListener("click", () => showFaults(panel.hidden));
panel.querySelector("[data-close-faults]").addEventListener("click", () => showFaults(false));
panel.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fault-clear]");
  if (button) change("/client/faults/clear", button, { fault: button.dataset.faultClear || null });
});
panel.addEventListener("submit", (event) => {
  event.preventDefault();
  const params = Object.fromEntries(new FormData(event.target));
  change("/client/faults/set", event.target, { fault: event.target.dataset.faultSet, params });
});
draw();
