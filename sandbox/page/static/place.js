// Where an interactive element is: in which message, modal or home tab, under which block and action id.

export function place(element) {
  const { blockId, actionId } = element.dataset;
  const message = element.closest("[data-ts]");
  const view = element.closest("[data-view]");
  const container = message
    ? { kind: "message", channel: message.dataset.channel, ts: message.dataset.ts }
    : element.closest("[data-home]")
      ? { kind: "home" }
      : { kind: "view", view: view.dataset.view };
  return { container, block: blockId, action: actionId };
}

/** The element whose inputs go along as the state of an action. */
export function surface(element) {
  return element.closest("[data-ts], [data-view]");
}
