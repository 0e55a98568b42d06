"use strict";
// Everything on the page is made here, from text nodes: no text of the data is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";
// Controls, bidirectional and invisible characters, tags, and halves of surrogate pairs: shown by their number.
const HIDDEN = new RegExp(
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]" +
    "|\\udb40[\\udc00-\\udc7f]|[\\ud800-\\udbff](?![\\udc00-\\udfff])|(?<![\\ud800-\\udbff])[\\udc00-\\udfff]", "g");

const codeName = (found) => "U+" + found.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");

/** Text with hidden characters replaced by their numbers, for labels, options and charts. */
function visible(text) {
  return String(text ?? "").replace(HIDDEN, (found) => `[${codeName(found)}]`);
}

/** Text as nodes in which hidden characters stand out. */
function textNodes(text) {
  const nodes = [], value = String(text ?? "");
  let last = 0;
  for (const found of value.matchAll(HIDDEN)) {
    if (found.index > last) nodes.push(document.createTextNode(value.slice(last, found.index)));
    nodes.push(h("span", { class: "hidden-character", title: "a character that is not shown by itself" }, codeName(found[0])));
    last = found.index + found[0].length;
  }
  nodes.push(document.createTextNode(value.slice(last)));
  return nodes;
}

/** An element; children are nodes or texts, lists are spread, null and false are left out. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
    else if (name === "href" && !String(value).startsWith("#")) throw new Error("links stay on the page");
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(visible(child)));
  }
  return element;
}

/** A word with an explanation that shows on hover, focus and touch. */
function term(text, key) {
  const meaning = TERMS[key] ?? key;
  return h("span", { class: "term", tabindex: "0", "data-tip": meaning, "aria-description": meaning }, text);
}

/** Tell a screen reader. */
function say(text) {
  document.getElementById("said").textContent = text;
}

function watchTips() {
  const tip = document.getElementById("tip");
  const hide = () => { tip.hidden = true; };
  const show = (event) => {
    const target = event.target.closest?.("[data-tip]");
    if (!target) return hide();
    tip.textContent = target.getAttribute("data-tip");
    tip.hidden = false;
    const box = target.getBoundingClientRect(), size = tip.getBoundingClientRect();
    const left = Math.max(8, Math.min(box.left + box.width / 2 - size.width / 2, document.documentElement.clientWidth - size.width - 8));
    const below = box.bottom + 8 + size.height < window.innerHeight || box.top < size.height + 10;
    tip.style.left = `${left + window.scrollX}px`;
    tip.style.top = `${(below ? box.bottom + 8 : box.top - size.height - 8) + window.scrollY}px`;
  };
  for (const name of ["mouseover", "focusin", "click"]) document.addEventListener(name, show);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  window.addEventListener("hashchange", hide);
}

const number = (value, digits = 1) => (Number.isFinite(value) ? value.toFixed(digits).replace("-", "−") : "–");
const signed = (value, digits = 1) => (Number.isFinite(value) ? (value > 0 ? "+" : "") + number(value, digits) : "–");
const count = (value) => Number(value).toLocaleString("en");
const percent = (value, digits = 0) => (Number.isFinite(value) ? `${number(100 * value, digits)} %` : "–");
const span = (low, high, digits = 1, show = number) =>
  Number.isFinite(low) && Number.isFinite(high) ? `${show(low, digits)} to ${show(high, digits)}` : "";
const plural = (n, one, many = one + "s") => `${count(n)} ${n === 1 ? one : many}`;
const listed = (names) => names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

/** A table for people and screen readers; columns: {name, of (row -> text or node), n: is it a number}. */
function table(caption, columns, rows, { unsure = () => false, id } = {}) {
  const cell = (tag, column, content) => h(tag, { class: column.n ? "n" : null, scope: tag === "th" ? "row" : null }, content);
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": visible(caption) }, h("table", { id },
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, columns.map((column) =>
      h("th", { scope: "col", class: column.n ? "n" : null }, column.why ? term(column.name, column.why) : column.name)))),
    h("tbody", {}, rows.map((row) => h("tr", { class: unsure(row) ? "unsure" : null },
      columns.map((column, k) => cell(k ? "td" : "th", column, column.of(row))))))));
}

/** A select; options: [value, text] or {group, options}. */
function select(label, id, value, options, change, why) {
  const option = ([key, text, off]) => h("option", { value: key, selected: key === value, disabled: off }, text);
  return h("label", { class: "field", for: id }, why ? term(label, why) : label,
    h("select", { id, onchange: (event) => change(event.target.value) },
      options.map((entry) => Array.isArray(entry) ? option(entry)
        : h("optgroup", { label: entry.group }, entry.options.map(option)))));
}
