"use strict";
// Charts by Observable Plot. Filled: told from neutral; hollow and grey: cannot be told from it, as in the figures.

const INK = "var(--ink)", SOFT = "var(--soft)", GREY = "var(--grey)", PAPER = "var(--paper)", LINE = "var(--line)";
const BLUE = "var(--blue)", ORANGE = "var(--orange)";

function widthOf(share = 1) {
  const main = document.getElementById("main"), style = getComputedStyle(main);
  const inner = main.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return Math.floor(narrow() ? inner : share === 1 ? inner : (inner - 36) * share);
}

const narrow = () => window.matchMedia("(max-width: 760px)").matches;

/** A figure around a chart of Plot: explanations become tips, and a table holds the same numbers for those who cannot see. */
function figure(plot, label, caption, ...more) {
  const svg = plot.matches("svg") ? plot : plot.querySelector("svg");
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", visible(label));
  for (const title of [...svg.querySelectorAll("title")]) {
    const mark = title.parentNode;
    const target = mark.closest("a") ?? mark;
    target.setAttribute("data-tip", title.textContent);
    target.setAttribute("aria-label", title.textContent);
    title.remove();
  }
  return h("figure", {}, plot, caption ? h("figcaption", {}, caption) : null, more);
}

/** A label in at most three lines of so many characters, broken at blanks or behind / - _; the last one is cut. */
function fold(text, most) {
  const lines = [""];
  for (const part of text.match(/[^\s/_-]*[\s/_-]?/g)) {
    if (lines.at(-1) && (lines.at(-1) + part.trimEnd()).length > most && lines.length < 3) lines.push("");
    lines[lines.length - 1] += part;
  }
  return lines.map((line) => (line.trim().length > most + 2 ? `${line.trim().slice(0, most)}…` : line.trim())).join("\n");
}

/** Room for labels at the left, and the labels folded into it. */
function labelled(entries, width) {
  const left = Math.round(Math.min(narrow() ? width * 0.4 : 230, 24 + 7.1 * Math.max(4, ...entries.map(([, text]) => text.length))));
  const labels = new Map(entries.map(([key, text]) => [key, fold(text, Math.floor((left - 16) / 7.1))]));
  const lines = Math.max(1, ...[...labels.values()].map((text) => text.split("\n").length));
  return { left, labels, row: [0, 23, 36, 50][lines] };
}

/** Rows of dots with lines for intervals on one scale, the common chart of effects, differences and shares.
 *
 * rows: {key, label, value, low, high, unsure, href, tip, colour}; in the order from top to bottom.
 */
function dotRows(rows, { width, neutral, title, least, sides, format = number }) {
  const { left, labels, row: height } = labelled(rows.map((row) => [row.key, row.label]), width);
  const ends = rows.flatMap((row) => [row.value, row.low, row.high]).filter(Number.isFinite);
  const half = Math.max(least, ...ends.map((value) => Math.abs(value - neutral))) * 1.06;
  if (sides && (sides[0].length + sides[1].length) * 7.4 > width - left) sides = null; // the key says the same
  const colour = (row) => (row.unsure ? GREY : row.colour ?? (row.value >= neutral ? BLUE : ORANGE));
  const y = "key", shared = { y, href: "href", title: "tip" };
  return Plot.plot({
    width, height: rows.length * height + 62, marginLeft: left, marginRight: 14, marginTop: sides ? 30 : 12, marginBottom: 36,
    style: { fontSize: "13px" },
    x: { domain: [neutral - half, neutral + half], label: title, labelAnchor: "center", labelArrow: "none", labelOffset: 34, ticks: width < 450 ? 4 : 7,
      tickFormat: (value) => format(value, half < 3 ? 1 : 0) },
    y: { domain: rows.map((row) => row.key), label: null, padding: 0 },
    marks: [
      Plot.barX(rows.filter((_, k) => k % 2 === 0), { y, x1: neutral - half, x2: neutral + half, fill: "var(--band)" }),
      Plot.gridX({ stroke: LINE, strokeOpacity: 1, ticks: width < 450 ? 4 : 7 }),
      Plot.axisY({ tickSize: 0, tickPadding: 8, tickFormat: (key) => labels.get(key), fontSize: 13, label: null }),
      Plot.ruleX([neutral], { stroke: INK, strokeWidth: 1.5 }),
      Plot.link(rows.filter((row) => Number.isFinite(row.low) && Number.isFinite(row.high)),
        { x1: "low", x2: "high", y1: y, y2: y, stroke: colour, strokeWidth: 1.6 }),
      Plot.dot(rows, { ...shared, x: "value", r: 5, fill: (row) => (row.unsure ? PAPER : colour(row)), stroke: colour, strokeWidth: 1.6 }),
      sides ? sideText(sides[0], neutral - half, "start") : null,
      sides ? sideText(sides[1], neutral + half, "end") : null,
    ],
  });
}

/** What a side of the scale means, above the chart. */
function sideText(text, x, textAnchor) {
  return Plot.text([{ text, x }], { x: "x", text: "text", frameAnchor: "top", dy: -18, textAnchor, fontWeight: 600, fill: SOFT });
}

/** What the marks of `dotRows` mean. */
function keyOf(up, down, rows, unsure = "cannot be told from neutral", interval = "") {
  const mark = (colour, hollow) => {
    const svg = document.createElementNS(SVG, "svg");
    for (const [name, value] of [["width", 12], ["height", 12], ["aria-hidden", true]]) svg.setAttribute(name, value);
    const dot = document.createElementNS(SVG, "circle");
    for (const [name, value] of [["cx", 6], ["cy", 6], ["r", 4.6], ["stroke-width", 1.6]]) dot.setAttribute(name, value);
    dot.style.stroke = colour;
    dot.style.fill = hollow ? PAPER : colour;
    svg.append(dot);
    return svg;
  };
  const sure = rows.filter((row) => !row.unsure);
  return h("div", { class: "key" },
    sure.length ? h("span", {}, mark(BLUE), up) : null, sure.length ? h("span", {}, mark(ORANGE), down) : null,
    rows.some((row) => row.unsure) ? h("span", {}, mark(GREY, true), term(unsure, "unsure")) : null,
    interval ? h("span", {}, "Lines: ", term(interval, "interval")) : null);
}

/** Contributions of the properties, one below the other: each bar starts where the one above ends. */
function waterfall(parts, { width, title, sum, format }) {
  let edge = 0;
  const rows = parts.map((part) => ({ ...part, start: edge, end: (edge += part.value) }));
  const reach = (narrow() ? 1.6 : 1.2) * Math.max(1e-6, ...rows.flatMap((row) => [Math.abs(row.start), Math.abs(row.end)]));
  const { left, labels, row: height } = labelled([...rows.map((row) => [row.key, row.label]), ["sum", sum]], width);
  const side = (row) => (row.value >= 0 ? BLUE : ORANGE), edgeOf = (row) => (row.end > row.start ? row.end : row.start);
  return Plot.plot({
    width, height: labels.size * height + 58, marginLeft: left, marginRight: 14, marginTop: 24, marginBottom: 36, style: { fontSize: "13px" },
    x: { domain: [-reach, reach], label: title, labelAnchor: "center", labelArrow: "none", labelOffset: 34, ticks: width < 450 ? 3 : 5 },
    y: { domain: [...labels.keys()], label: null, padding: 0.25 },
    marks: [
      Plot.gridX({ stroke: LINE, strokeOpacity: 1 }),
      Plot.axisY({ tickSize: 0, tickPadding: 8, tickFormat: (key) => labels.get(key), fontSize: 13, label: null }),
      Plot.ruleX([0], { stroke: INK, strokeWidth: 1.5 }),
      Plot.barX(rows, { y: "key", x1: "start", x2: "end", fill: (row) => (row.value >= 0 ? BLUE : PAPER), stroke: side, strokeWidth: 1.4,
        href: "href", title: "tip" }),
      Plot.text(rows, { y: "key", x: edgeOf, text: (row) => format(row.value), textAnchor: "start", dx: 5, fontSize: 12 }),
      Plot.dot([edge], { x: (value) => value, y: () => "sum", symbol: "diamond", r: 6, fill: INK }),
      Plot.text([edge], { x: (value) => value, y: () => "sum", text: (value) => format(value), dx: 10, textAnchor: "start", fontWeight: 700, fontSize: 12 }),
      Plot.text([["← towards B", -reach, "start"]], { x: (row) => row[1], text: (row) => row[0], frameAnchor: "top", dy: -14, textAnchor: "start", fill: SOFT }),
      Plot.text([["towards A →", reach, "end"]], { x: (row) => row[1], text: (row) => row[0], frameAnchor: "top", dy: -14, textAnchor: "end", fill: SOFT }),
    ],
  });
}

/** 95 % interval of a share (Wilson). */
function wilson(hits, n) {
  if (!n) return [NaN, NaN, NaN];
  const z = 1.959964, share = hits / n, spread = z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  const middle = share + (z * z) / (2 * n), scale = 1 + (z * z) / n;
  return [share, (middle - spread) / scale, (middle + spread) / scale];
}
