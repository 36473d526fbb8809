// The message boxes: Enter sends, "/" offers the app's commands, "@" the people and the app.

import { post, state, toast } from "./api.js";

const { commands, people } = JSON.parse(document.getElementById("commands").textContent);
const sent = []; // what was sent, for the arrow up

export function setUpComposer(form) {
  const box = form.querySelector("textarea");
  const list = form.querySelector(".suggestions");
  const where = form.dataset.composer;
  let at = 0;
  let recalled = 0;

  function candidates() {
    const before = box.value.slice(0, box.selectionStart);
    if (/^\/\S*$/.test(before) && where === "channel") {
      const found = commands.filter(({ command }) => command.startsWith(before));
      return found.map(({ command, hint, description }) => ({ insert: `${command} `, from: 0, title: command, hint, description }));
    }
    const mention = /(?:^|\s)@([\w.-]*)$/.exec(before);
    if (!mention) return [];
    const wanted = mention[1].toLowerCase();
    return people
      .filter(({ name, label }) => name.startsWith(wanted) || label.toLowerCase().startsWith(wanted))
      .map(({ name, label }) => ({ insert: `@${name} `, from: before.length - mention[1].length - 1, title: `@${name}`, hint: label }));
  }

  function passive() {
    const command = where === "channel" && commands.find(({ command }) => box.value.startsWith(`${command} `));
    if (!command?.hint) return [];
    const item = Object.assign(document.createElement("li"), { className: "passive" });
    item.append(Object.assign(document.createElement("b"), { textContent: command.command }));
    item.append(Object.assign(document.createElement("code"), { textContent: command.hint }));
    return [item];
  }

  function suggest() {
    const found = candidates();
    const hint = found.length ? [] : passive();
    list.hidden = !found.length && !hint.length;
    box.setAttribute("aria-expanded", String(found.length > 0));
    at = Math.min(at, Math.max(found.length - 1, 0));
    list.replaceChildren(
      ...hint,
      ...found.map((one, index) => {
        const item = document.createElement("li");
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", String(index === at));
        item.append(Object.assign(document.createElement("b"), { textContent: one.title }));
        if (one.hint) item.append(Object.assign(document.createElement("code"), { textContent: one.hint }));
        if (one.description) item.append(Object.assign(document.createElement("small"), { textContent: one.description }));
        item.addEventListener("pointerdown", (event) => (event.preventDefault(), take(one)));
        return item;
      }),
    );
    return found;
  }

  function take({ insert, from }) {
    const rest = box.value.slice(box.selectionStart);
    box.value = box.value.slice(0, from) + insert + rest;
    box.setSelectionRange(from + insert.length, from + insert.length);
    box.focus();
    suggest();
  }

  async function send() {
    const text = box.value.trimEnd(); // a space before "/" makes it a message, as in Slack
    if (!text.trim()) return;
    box.value = "";
    suggest();
    sent.push(text);
    recalled = 0;
    try {
      const thread = where === "thread" ? state.thread : null;
      await post("/client/send", { channel: state.channel, thread, text });
    } catch (problem) {
      toast(problem.message);
      if (!box.value) box.value = text;
    }
  }

  box.addEventListener("input", () => ((at = 0), suggest()));
  box.addEventListener("blur", () => (list.hidden = true));
  box.addEventListener("focus", suggest);
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const found = list.hidden ? [] : candidates();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (found.length && step) {
      event.preventDefault();
      at = (at + step + found.length) % found.length;
      suggest();
    } else if (found.length && event.key === "Tab") {
      event.preventDefault();
      take(found[at]);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      const exact = found[at] && box.value.slice(found[at].from, box.selectionStart) === found[at].title;
      if (found.length && !exact) take(found[at]);
      else send();
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      list.hidden = true;
    } else if (event.key === "ArrowUp" && (!box.value || recalled) && sent.length) {
      event.preventDefault();
      recalled = Math.min(recalled + 1, sent.length);
      box.value = sent.at(-recalled);
      list.hidden = true;
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
}
