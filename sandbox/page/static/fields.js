// Inputs of Block Kit: what is chosen in one, in the words that the server passes on to the workspace.

import { setUpCombo } from "./combo.js";

const checked = (element) => [...element.querySelectorAll("input:checked")];
const option = (element) => JSON.parse(element.dataset.option);

/** The value of an input element: a string, an option, a list of them, or null. */
export function readField(element) {
  const kind = element.dataset.act;
  if (kind.includes("external_select")) {
    const chosen = JSON.parse(element.dataset.chosen);
    return kind.startsWith("multi_") ? chosen : (chosen[0] ?? null);
  }
  if (kind === "multi_static_select" || kind === "checkboxes") return checked(element).map(option);
  if (kind.startsWith("multi_")) return checked(element).map((box) => box.value);
  if (kind === "radio_buttons") return checked(element).map(option)[0] ?? null;
  if (kind === "static_select") return element.value ? option(element.selectedOptions[0]) : null;
  if (kind === "datetimepicker") return element.value ? Math.floor(new Date(element.value) / 1000) : null;
  if (kind === "file_input") return [...element.files].map((file) => file.name);
  return element.value || null;
}

/** Puts back what `readField` gave. */
export function writeField(element, value) {
  const kind = element.dataset.act;
  if (kind === "file_input") return;
  if (kind.includes("external_select")) {
    element.dataset.chosen = JSON.stringify(Array.isArray(value) ? value : value ? [value] : []);
    element.draw();
  } else if (kind === "checkboxes" || kind === "radio_buttons" || kind.startsWith("multi_")) {
    const wanted = new Set([value ?? []].flat().map((one) => one.value ?? one));
    for (const box of element.querySelectorAll("input")) box.checked = wanted.has(box.value);
    summarise(element);
  } else if (kind === "datetimepicker") {
    element.value = value ? localTime(value) : "";
  } else {
    element.value = value?.value ?? value ?? "";
  }
}

export function setUpFields(root) {
  root.querySelectorAll(".combo:not([data-ready])").forEach(setUpCombo);
  root.querySelectorAll("details.multi").forEach(summarise);
  for (const element of root.querySelectorAll("[data-act='datetimepicker'][data-initial]")) {
    element.value = localTime(Number(element.dataset.initial));
  }
}

/** Every input under `root` as {block id: {action id: value}}. */
export function readAll(root) {
  const values = {};
  for (const element of root.querySelectorAll("[data-act]:not([data-act='button'], [data-act='overflow'])")) {
    const { blockId, actionId } = element.dataset;
    (values[blockId] ??= {})[actionId] = readField(element);
  }
  return values;
}

export function summarise(element) {
  const words = element.querySelector(".multi-chosen");
  if (!words) return;
  const labels = checked(element).map((box) => box.nextElementSibling.textContent.trim());
  words.textContent = labels.join(", ") || element.dataset.placeholder;
  const full = labels.length >= Number(element.dataset.max ?? Infinity);
  for (const box of element.querySelectorAll("input:not(:checked)")) box.disabled = full;
}

function localTime(seconds) {
  const moment = new Date(seconds * 1000);
  return new Date(moment - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
