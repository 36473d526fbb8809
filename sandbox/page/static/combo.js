// external_select: the app is asked for options while a person types.

import { post } from "./api.js";
import { place } from "./place.js";

export function setUpCombo(combo) {
  combo.dataset.ready = "";
  const [input, list, tags] = [".field", ".combo-list", ".combo-tags"].map((name) => combo.querySelector(name));
  const many = "many" in combo.dataset;
  const least = Number(combo.dataset.min);
  let timer = 0;
  let asked = 0;
  let at = -1;

  const chosen = () => JSON.parse(combo.dataset.chosen);
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    at = -1;
  };

  combo.draw = () => {
    if (!many) input.value = chosen()[0]?.text.text ?? "";
    tags.replaceChildren(
      ...(many ? chosen() : []).map((option) => {
        const tag = document.createElement("button");
        Object.assign(tag, { type: "button", textContent: `${option.text.text} ✕`, ariaLabel: `Remove ${option.text.text}` });
        tag.addEventListener("click", () => choose(chosen().filter((one) => one.value !== option.value)));
        return tag;
      }),
    );
  };

  function choose(options) {
    combo.dataset.chosen = JSON.stringify(options);
    if (many) input.value = "";
    combo.draw();
    close();
    combo.dispatchEvent(new CustomEvent("chosen", { bubbles: true }));
  }

  function line(text, kind) {
    return Object.assign(document.createElement("li"), { textContent: text, className: kind });
  }

  const add = (option) => choose(many ? [...chosen().filter((one) => one.value !== option.value), option] : [option]);

  function show(options) {
    const lines = options.map((option) => {
      const element = line(option.text.text, "option");
      element.setAttribute("role", "option");
      element.option = option;
      if (option.description) {
        element.append(Object.assign(document.createElement("small"), { textContent: ` ${option.description.text}` }));
      }
      element.addEventListener("pointerdown", (event) => (event.preventDefault(), add(option)));
      return element;
    });
    list.replaceChildren(...(lines.length ? lines : [line("No results", "none")]));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    at = -1;
    move(1);
  }

  function move(by) {
    const options = [...list.querySelectorAll("[role='option']")];
    if (!options.length) return;
    at = (at + by + options.length) % options.length;
    options.forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
    options[at].scrollIntoView({ block: "nearest" });
  }

  async function ask() {
    const query = input.value.trim();
    if (query.length < least) return close();
    const mine = ++asked;
    list.replaceChildren(line("Searching…", "none"));
    list.hidden = false;
    try {
      const { options } = await post("/client/options", { ...place(combo), query });
      if (mine === asked && document.activeElement === input) show(options);
    } catch (error) {
      if (mine === asked) list.replaceChildren(line(error.message, "none"));
    }
  }

  input.addEventListener("input", () => {
    if (!many && chosen().length) combo.dataset.chosen = "[]";
    clearTimeout(timer);
    timer = setTimeout(ask, 180);
  });
  input.addEventListener("focus", () => (input.select(), ask()));
  input.addEventListener("blur", () => {
    asked++;
    close();
    if (!many) combo.draw();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask();
      else move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const option = list.querySelector("[aria-selected='true']")?.option;
      if (!list.hidden && option) add(option);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Backspace" && many && !input.value) {
      choose(chosen().slice(0, -1));
    }
  });
  combo.draw();
}
