// Message lists: one element a message, in the order of their timestamps, replaced only when they changed.

import { fragment } from "./api.js";
import { inWords, localise } from "./dates.js";
import { keep, restore } from "./keep.js";

export class MessageList {
  constructor(element) {
    this.element = element;
    this.scroller = element.closest(".scroll");
    this.shown = new Map(); // ts → html
    this.scope = null;
    this.atEnd = true;
    this.scroller.addEventListener("scroll", () => (this.atEnd = this.#distance() < 60), { passive: true });
    new ResizeObserver(() => this.atEnd && this.#toEnd()).observe(element);
  }

  /** Shows exactly these messages; another scope (channel or thread) starts from nothing, at its end. */
  reset(scope, messages, nothing) {
    if (scope !== this.scope) {
      this.element.replaceChildren();
      this.shown.clear();
      this.scope = scope;
      this.atEnd = true;
    }
    this.nothing = nothing;
    const present = new Set(messages.map((message) => message.ts));
    for (const ts of [...this.shown.keys()]) if (!present.has(ts)) this.#remove(ts);
    for (const message of messages) this.#put(message);
    this.#settle();
  }

  /** One message came, changed (html) or went (null). */
  apply({ ts, html }) {
    if (html === null) this.#remove(ts);
    else this.#put({ ts, html });
    this.#settle();
  }

  #put({ ts, html }) {
    if (this.shown.get(ts) === html) return;
    const fresh = fragment(html).firstElementChild;
    const old = this.shown.has(ts) ? this.#find(ts) : null;
    localise(fresh);
    if (old) {
      const kept = keep(old);
      old.replaceWith(fresh);
      restore(fresh, kept);
    } else {
      const next = [...this.element.querySelectorAll("[data-ts]")].reverse();
      const before = next.find((element) => Number(element.dataset.ts) < Number(ts));
      if (before) before.after(fresh);
      else this.element.prepend(fresh);
      restore(fresh, null);
    }
    this.shown.set(ts, html);
  }

  #remove(ts) {
    this.#find(ts)?.remove();
    this.shown.delete(ts);
  }

  #find(ts) {
    return this.element.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
  }

  #settle() {
    for (const extra of this.element.querySelectorAll(".day, .nothing")) extra.remove();
    let last = "";
    for (const message of this.element.querySelectorAll("[data-ts]")) {
      const moment = new Date(Number(message.dataset.ts) * 1000);
      if (moment.toDateString() !== last) {
        last = moment.toDateString();
        const line = Object.assign(document.createElement("div"), { className: "day" });
        const words = inWords(moment, "{day_divider_pretty}");
        line.textContent = words[0].toUpperCase() + words.slice(1);
        message.before(line);
      }
    }
    if (!this.shown.size && this.nothing) {
      this.element.append(Object.assign(document.createElement("p"), { className: "nothing", textContent: this.nothing }));
    }
    if (this.atEnd) this.#toEnd();
  }

  #distance() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight;
  }

  #toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }
}
