// What a person did to a piece of the page that the server is about to replace: opened or closed details, a sorted
// or filtered table, what was typed and chosen, and where the focus was.

import { readTable, setUpTables, writeTable } from "./tables.js";
import { readField, setUpFields, writeField } from "./fields.js";

// Slack gives blocks of messages new ids with every edit; those of a modal are the app's own.
function key(element) {
  const { act = "", actionId = "", keep = "", blockId = "" } = element.dataset;
  return [act, actionId, keep, element.closest("dialog") ? blockId : ""].join("\n");
}

function keyed(root, selector) {
  const seen = new Map();
  return [...root.querySelectorAll(selector)].map((element) => {
    const name = key(element);
    seen.set(name, (seen.get(name) ?? 0) + 1);
    return [`${name}\n${seen.get(name)}`, element];
  });
}

const FIELDS = "[data-act]:not([data-act='button'], [data-act='overflow'])";

export function keep(root) {
  const focus = root.contains(document.activeElement) ? document.activeElement : null;
  const focusable = keyed(root, "[data-act], summary, input, button, select, textarea, a");
  return {
    details: keyed(root, "details[data-keep][data-touched]").map(([name, element]) => [name, element.open]),
    tables: keyed(root, ".data-table").map(([name, element]) => [name, readTable(element)]),
    fields: keyed(root, FIELDS).map(([name, element]) => [name, readField(element)]),
    focus: focusable.find(([, element]) => element === focus)?.[0],
    selection: focus && "selectionStart" in focus ? [focus.selectionStart, focus.selectionEnd] : null,
  };
}

export function restore(root, kept) {
  setUpTables(root);
  setUpFields(root);
  if (!kept) return;
  const put = (selector, saved, write) => {
    const values = new Map(saved);
    for (const [name, element] of keyed(root, selector)) if (values.has(name)) write(element, values.get(name));
  };
  put("details[data-keep]", kept.details, (element, open) => {
    element.open = open;
    element.dataset.touched = "";
  });
  put(".data-table", kept.tables, writeTable);
  put(FIELDS, kept.fields, writeField);
  if (kept.focus === undefined) return;
  const found = keyed(root, "[data-act], summary, input, button, select, textarea, a").find(([name]) => name === kept.focus);
  found?.[1].focus({ preventScroll: true });
  if (kept.selection?.[0] != null) found?.[1].setSelectionRange?.(...kept.selection);
}

// Only what a person toggled is kept: the server decides about the rest with every edit.
document.addEventListener("click", (event) => {
  const details = event.target.closest("summary")?.parentElement;
  if (details?.dataset.keep !== undefined) details.dataset.touched = "";
});
