// Requests to the server, and the notices that people see.

export const state = document.body.dataset; // as, channel, thread, tab, pane; live once connected

export async function post(path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ as: state.as, ...body }),
      keepalive: true, // what was sent goes out even when the person moves on at once
    });
  } catch {
    throw new Error("The workspace can't be reached. Nothing was sent.");
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(found.error || `The workspace answered ${answer.status}.`);
  return found;
}

export function toast(text, seconds = 7) {
  const element = document.createElement("div");
  element.className = "toast";
  element.textContent = text;
  const holder = document.querySelector(".toasts");
  holder.append(element);
  if (holder.matches(":popover-open")) holder.hidePopover();
  holder.showPopover(); // above an open modal, too
  setTimeout(() => {
    element.remove();
    if (!holder.childElementCount) holder.hidePopover();
  }, seconds * 1000);
}

export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // the server's own templates, escaped there
  return template.content;
}
