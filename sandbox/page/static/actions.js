// Clicks and choices in messages, modals and the home tab.

import { post, toast } from "./api.js";
import { readAll, readField, summarise } from "./fields.js";
import { place, surface } from "./place.js";

/** The confirmation that an element asks for; true when there is none or the person agrees. */
export function confirmed(element) {
  if (!element.dataset.confirm) return Promise.resolve(true);
  const wanted = JSON.parse(element.dataset.confirm);
  const dialog = document.querySelector("dialog.confirm");
  dialog.querySelector("h2").textContent = wanted.title?.text ?? "Are you sure?";
  dialog.querySelector("p").textContent = wanted.text?.text ?? "";
  const [deny, agree] = dialog.querySelectorAll("button");
  deny.textContent = wanted.deny?.text ?? "Cancel";
  agree.textContent = wanted.confirm?.text ?? "Yes";
  agree.className = `btn ${wanted.style === "danger" ? "btn-danger" : "btn-primary"}`;
  dialog.returnValue = "";
  dialog.showModal();
  agree.focus();
  return new Promise((settle) => {
    dialog.addEventListener("close", () => settle(dialog.returnValue === "confirm"), { once: true });
  });
}

async function act(element, selected, target = element) {
  if (!(await confirmed(element))) return false;
  target.closest(".act")?.querySelector(".failed")?.remove();
  target.setAttribute("aria-busy", "true");
  try {
    const values = readAll(surface(element));
    const button = element.dataset.act === "button";
    const { error } = await post("/client/click", { ...place(element), selected, values, button });
    if (error) mark(target, "The app did not answer this click.");
  } catch (problem) {
    toast(problem.message);
    mark(target, problem.message);
  } finally {
    target.removeAttribute("aria-busy");
  }
  return true;
}

function mark(element, text) {
  const sign = Object.assign(document.createElement("span"), { className: "failed", textContent: "⚠", title: text });
  sign.setAttribute("role", "img");
  sign.setAttribute("aria-label", text);
  element.closest(".act")?.append(sign);
}

// An input of a modal only tells the app when its block dispatches; outside modals a choice always does.
function dispatches(element) {
  const block = element.closest(".block.input");
  return block ? "dispatch" in block.dataset : true;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act='button']");
  if (button) {
    if (button.getAttribute("aria-busy") === "true") return;
    act(button, button.dataset.value || null);
  }
  const item = event.target.closest(".overflow-menu button");
  if (item) {
    const menu = item.closest(".overflow");
    menu.open = false;
    if (item.dataset.url) window.open(item.dataset.url, "_blank", "noopener,noreferrer");
    act(menu, JSON.parse(item.dataset.option), menu.querySelector("summary"));
  }
  for (const open of document.querySelectorAll("details.overflow[open], details.multi[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});

document.addEventListener("change", async (event) => {
  const element = event.target.closest("[data-act]");
  if (!element || element.matches(".combo")) return;
  summarise(element);
  element.closest(".block.input")?.classList.remove("invalid");
  if (!dispatches(element)) return;
  const agreed = await act(element, readField(element));
  if (!agreed && element.tagName === "SELECT") element.value = "";
});

document.addEventListener("chosen", (event) => {
  if (dispatches(event.target)) act(event.target, readField(event.target));
});
