// Makes one element look like another while it keeps what a person is doing: focus, what is typed, what is open.
// Children with a data-key are the same child wherever they stand; others are matched in order.

export function morph(from, to) {
  if (from.nodeName !== to.nodeName || from.nodeType !== to.nodeType) {
    from.replaceWith(to.cloneNode(true));
    return;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (from.isEqualNode(to)) return;
  const tinted = "tint" in from.dataset && from.dataset.tint !== to.dataset.tint;
  syncAttributes(from, to);
  if (isField(from)) return; // its value belongs to the person
  syncChildren(from, to);
  if (tinted) tint(from);
}

const isField = (element) => ["INPUT", "TEXTAREA", "SELECT"].includes(element.nodeName);

function syncAttributes(from, to) {
  // A person opens and closes details; the server only proposes it for new ones.
  const kept = (name) => (name === "open" && from.nodeName === "DETAILS") || (name === "value" && isField(from));
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !kept(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !kept(name)) from.setAttribute(name, value);
  }
}

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.dataset.key : undefined);

function syncChildren(from, to) {
  const wanted = new Set([...to.children].map(keyOf).filter(Boolean));
  const known = new Map();
  for (const child of [...from.children]) {
    const key = keyOf(child);
    if (!key) continue;
    // Gone children go first: what stays need not move then, and what does not move keeps its focus.
    if (wanted.has(key)) known.set(key, child);
    else child.remove();
  }
  let next = from.firstChild;
  for (const child of [...to.childNodes]) {
    const key = keyOf(child);
    const match = key ? known.get(key) : next && !keyOf(next) && next.nodeName === child.nodeName ? next : null;
    if (!match) {
      from.insertBefore(child.cloneNode(true), next);
    } else {
      if (match === next) next = next.nextSibling;
      else from.insertBefore(match, next);
      morph(match, child);
    }
  }
  while (next) {
    const after = next.nextSibling;
    next.remove();
    next = after;
  }
}

function tint(element) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const colour = getComputedStyle(element).getPropertyValue("--tint");
  element.animate([{ backgroundColor: colour }, { backgroundColor: "transparent" }], 1200);
}
