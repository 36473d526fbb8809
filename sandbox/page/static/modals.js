// The person's stack of modals. The server says what is open; this shows it and sends what was entered.

import { fragment, post, toast } from "./api.js";
import { localise } from "./dates.js";
import { readAll } from "./fields.js";
import { keep, restore } from "./keep.js";

const holder = document.querySelector(".modals");
const find = (id) => holder.querySelector(`[data-view="${CSS.escape(id)}"]`);

/** Shows exactly this stack, lowest first; each is {id, hash, html, errors}. */
export function showViews(views) {
  const wanted = new Set(views.map((view) => view.id));
  for (const dialog of holder.querySelectorAll("dialog")) if (!wanted.has(dialog.dataset.view)) dialog.remove();
  for (const view of views) {
    const old = find(view.id);
    if (!old) open(view);
    else if (old.dataset.hash !== view.hash) replace(old, view);
    complain(find(view.id), view.errors);
  }
}

function open(view) {
  const dialog = fragment(view.html).firstElementChild;
  localise(dialog);
  holder.append(dialog);
  restore(dialog, null);
  dialog.showModal();
  (dialog.querySelector("[data-focus]") ?? dialog.querySelector(".modal-body .field, .modal-body input") ?? dialog.querySelector(".modal-body")).focus();
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    closeView(dialog);
  });
  // A second Escape in a row closes a dialog whether or not the first was prevented.
  dialog.addEventListener("close", () => dialog.isConnected && closeView(dialog));
  dialog.addEventListener("click", (event) => event.target.closest("[data-close-view]") && closeView(dialog));
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(dialog);
  });
}

function replace(dialog, view) {
  const fresh = fragment(view.html).firstElementChild;
  localise(fresh);
  const kept = keep(dialog);
  const where = dialog.querySelector(".modal-body").scrollTop;
  dialog.replaceChildren(...fresh.children);
  dialog.dataset.hash = view.hash;
  restore(dialog, kept);
  dialog.querySelector(".modal-body").scrollTop = where;
}

function complain(dialog, errors) {
  let first = null;
  for (const block of dialog.querySelectorAll(".block.input")) {
    const text = errors[block.dataset.blockId] ?? "";
    const line = block.querySelector(".input-error");
    block.classList.toggle("invalid", Boolean(text));
    if (line.textContent !== text) line.textContent = text;
    line.hidden = !text;
    block.querySelector(".field, input")?.setAttribute("aria-invalid", String(Boolean(text)));
    if (text) first ??= block;
  }
  first?.scrollIntoView({ block: "nearest" });
}

function trouble(dialog, text) {
  const line = dialog.querySelector(".modal-trouble");
  line.textContent = text;
  line.hidden = !text;
}

async function submit(dialog) {
  const button = dialog.querySelector("[type='submit']");
  if (!button || button.disabled) return;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  trouble(dialog, "");
  try {
    const { errors, error } = await post("/client/view/submit", { view: dialog.dataset.view, values: readAll(dialog) });
    if (errors) complain(dialog, errors);
    if (error) trouble(dialog, error);
  } catch (problem) {
    trouble(dialog, problem.message);
  } finally {
    const again = dialog.querySelector("[type='submit']");
    if (again) again.disabled = false;
    again?.removeAttribute("aria-busy");
  }
}

async function closeView(dialog) {
  try {
    await post("/client/view/close", { view: dialog.dataset.view });
  } catch (problem) {
    toast(problem.message);
    if (dialog.isConnected && !dialog.open) dialog.showModal();
  }
}
