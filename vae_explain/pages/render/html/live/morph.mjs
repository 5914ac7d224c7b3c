// Puts new markup in the place of old, touching only what differs: focus and layout stay.

/** Make the nodes between two comments what some markup says. */
export const morphRegion = (start, end, markup) => {
  const made = document.createElement("template");
  made.innerHTML = markup;
  const old = [];
  for (let node = start.nextSibling; node !== end; node = node.nextSibling) old.push(node);
  morphNodes(start.parentNode, old, [...made.content.childNodes], end);
};

const morphNodes = (parent, old, made, end) => {
  made.forEach((node, k) => {
    if (k < old.length) morphNode(parent, old[k], node);
    else parent.insertBefore(node, end);
  });
  for (const node of old.slice(made.length)) node.remove();
};

const morphNode = (parent, old, made) => {
  if (old.nodeType !== made.nodeType || old.nodeName !== made.nodeName) {
    parent.replaceChild(made, old);
  } else if (old.nodeType === Node.TEXT_NODE) {
    if (old.nodeValue !== made.nodeValue) old.nodeValue = made.nodeValue;
  } else if (old.nodeType === Node.ELEMENT_NODE) {
    for (const { name, value } of made.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) {
      if (!made.hasAttribute(name) && name !== "tabindex" && name !== "data-delta") old.removeAttribute(name);
    }
    morphNodes(old, [...old.childNodes], [...made.childNodes], null);
  }
};
