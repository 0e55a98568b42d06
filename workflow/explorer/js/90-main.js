"use strict";
// The frame of the page: levels, choices, links, downloads; draws the view that the address names.

const VIEWS = {
  map: { name: () => "Judges", draw: renderMap, there: () => true },
  judge: { name: () => study.judgeLabel(chosen.judge()), draw: renderJudge, there: () => true },
  property: { name: () => study.propertyLabel(chosen.property()), draw: renderProperty, there: () => study.nP > 0 },
  pairs: { name: () => "Pairs", draw: renderPairs, there: () => study.hasPairs },
  pair: { name: () => `Pair ${visible(state.pair)}`, draw: renderPair, there: () => study.hasPairs },
  compare: { name: () => "Compare two judges", draw: renderCompare, there: () => study.nJ > 1 },
};
let offers = [], drawing = 0, loadingPairs = null;

/** Put a table of the view up for download. */
function offer(name, columns, rows) { offers.push({ name, columns, rows }); }

function loadPairs() {
  loadingPairs ??= chunk("pairs").then((found) => { pairs = new Pairs(study, found); return pairs; });
  return loadingPairs;
}

async function draw() {
  const turn = ++drawing, before = state;
  state = readState();
  applyTheme();
  offers = [];
  const view = VIEWS[state.view], made = await view.draw();
  if (turn !== drawing) return;
  const focus = rememberFocus(), moved = before.view !== state.view || before.pair !== state.pair || before.page !== state.page;
  document.getElementById("top").replaceChildren(...head());
  const main = document.getElementById("main");
  main.replaceChildren(made);
  document.title = visible(state.view === "map" ? study.title : `${view.name()} – ${study.title}`);
  if (!restoreFocus(focus) && moved && before !== DEFAULTS && turn > 1) {
    main.focus({ preventScroll: true });
    if (!restoringScroll) window.scrollTo(0, 0);
  }
  restoringScroll = false;
  main.dataset.drawn = String(turn);
  if (state.view !== "pairs") say(document.title);
}

let restoringScroll = false;

function rememberFocus() {
  const active = document.activeElement;
  return active?.id && active.id !== "main" ? { id: active.id, start: active.selectionStart, end: active.selectionEnd, value: active.value } : null;
}

function restoreFocus(focus) {
  const element = focus && document.getElementById(focus.id);
  if (!element) return false;
  element.focus({ preventScroll: true });
  if (element.type === "search") element.setSelectionRange(focus.start, focus.end);
  return true;
}

function head() {
  const shown = Object.entries(VIEWS).filter(([key, view]) => view.there() && (key !== "pair" || state.pair));
  const target = (key) => link({ view: key });
  return [h("h1", {}, study.title),
    h("nav", { class: "levels", "aria-label": "Levels" }, shown.map(([key, view]) => h("a", { href: target(key), id: `level-${key}`, "aria-current": key === state.view ? "page" : null },
      { map: "Judges", judge: "Judge", property: "Property", pairs: "Pairs", pair: "Pair", compare: "Compare" }[key]))),
    h("div", { class: "tools" }, choices(), h("div", { class: "buttons push" },
      h("button", { type: "button", id: "copy-link", onclick: copyLink }, "Copy link"),
      h("button", { type: "button", id: "download-csv", disabled: !offers.length, onclick: downloadCsv, "aria-label": "Download this view as CSV", "data-tip": "Download the numbers of this view as CSV" }, "CSV ↓"),
      h("button", { type: "button", id: "download-svg", onclick: downloadSvg, "aria-label": "Download this view as SVG", "data-tip": "Download the charts of this view as SVG" }, "SVG ↓"),
      h("button", { type: "button", id: "theme", "aria-label": currentTheme() === "dark" ? "Light colours" : "Dark colours", onclick: () => go({ theme: currentTheme() === "dark" ? "light" : "dark", page: state.page }) }, currentTheme() === "dark" ? "Light" : "Dark")))];
}

function choices() {
  const judges = study.judges.map((judge, j) => [judge.name, study.judgeLabel(j)]), found = [];
  if (state.view !== "map") found.push(select("Judge", "judge", study.judges[chosen.judge()].name, judges, (value) => go({ judge: value })));
  if ((state.view === "compare" || state.view === "pair" || state.view === "pairs") && study.nJ > 1) {
    const one = state.view === "compare", value = one || study.judgesAt.has(state.other) ? study.judges[chosen.other()].name : "";
    found.push(select(one ? "with" : "Other judge", "other", value, one ? judges : [["", "none"], ...judges], (name) => go({ other: name })));
  }
  if (state.view === "property") found.push(select("Property", "property", study.properties[chosen.property()].name, study.properties.map((property, p) => [property.name, study.propertyLabel(p)]), (value) => go({ property: value })));
  const kinds = [["pooled", ""], ["overall", ""], ["defined", "Groups of the study"], ["scenario", "Scenarios"], ["case", "Query-specific cases"]];
  const text = (group, g) => [group.name, group.n_pairs ? withCount(study.groupLabel(g), group.n_pairs) : study.groupLabel(g)];
  const options = kinds.flatMap(([kind, title]) => {
    const inside = study.groups.map((group, g) => ({ group, g })).filter(({ group }) => group.kind === kind && group.fitted).map(({ group, g }) => text(group, g));
    return title && inside.length ? [{ group: title, options: inside }] : inside;
  });
  found.push(select("Group of pairs", "group", study.groups[chosen.group()].name, options, (value) => go({ group: value }), "group"));
  return found;
}

const currentTheme = () => state.theme || (window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
function applyTheme() { document.documentElement.dataset.theme = currentTheme(); }

async function copyLink() {
  const button = document.getElementById("copy-link"), address = location.href.split("#")[0] + link({ page: state.page });
  try {
    await navigator.clipboard.writeText(address);
    button.textContent = "Copied";
    say("The link was copied");
  } catch {
    window.prompt("Copy this link:", address); // where the browser keeps the clipboard to itself
  }
}

const fileName = (name, suffix) => `${name.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|-+$/g, "").slice(0, 80) || "view"}.${suffix}`;

function download(name, type, content) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/** A cell of a CSV; a text that a spreadsheet would take for a formula gets an apostrophe. */
function csvCell(value) {
  if (typeof value === "number") return Number.isFinite(value) ? String(Math.round(value * 1e6) / 1e6) : "";
  const text = String(value ?? ""), safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function downloadCsv() {
  const one = offers.length === 1, lines = offers.flatMap(({ name, columns, rows }) => [...(one ? [] : [[name]]), columns, ...rows, ...(one ? [] : [[]])]);
  download(fileName(`${study.about.study.name}-${state.view}`, "csv"), "text/csv;charset=utf-8", "\ufeff" + lines.map((line) => line.map(csvCell).join(",")).join("\r\n") + "\r\n");
}

/** All charts of the view in one drawing, with colours written out so that it stands alone. */
function downloadSvg() {
  const charts = [...document.querySelectorAll("#main figure svg")];
  if (!charts.length) return say("This view has no chart");
  const whole = document.createElementNS(SVG, "svg"), width = Math.max(...charts.map((svg) => svg.width.baseVal.value));
  let y = 0;
  for (const svg of charts) {
    const copy = withColours(svg);
    copy.setAttribute("y", y);
    y += svg.height.baseVal.value + 20;
    whole.append(copy);
  }
  const ground = document.createElementNS(SVG, "rect");
  for (const [name, value] of [["width", "100%"], ["height", "100%"], ["fill", getComputedStyle(document.body).backgroundColor]]) ground.setAttribute(name, value);
  whole.prepend(ground);
  for (const [name, value] of [["xmlns", SVG], ["width", width], ["height", y], ["viewBox", `0 0 ${width} ${y}`], ["font-family", "sans-serif"]]) whole.setAttribute(name, value);
  download(fileName(`${study.about.study.name}-${state.view}`, "svg"), "image/svg+xml", new XMLSerializer().serializeToString(whole));
}

function withColours(svg) {
  const copy = svg.cloneNode(true), originals = [svg, ...svg.querySelectorAll("*")], copies = [copy, ...copy.querySelectorAll("*")];
  originals.forEach((original, k) => {
    const style = getComputedStyle(original);
    for (const name of ["fill", "stroke"]) if (original.hasAttribute(name) || original === svg) copies[k].setAttribute(name, name === "stroke" && original === svg ? "none" : style[name]);
    copies[k].removeAttribute("data-tip");
  });
  copy.querySelectorAll("a").forEach((anchor) => anchor.replaceWith(...anchor.childNodes)); // they led within the page
  return copy;
}

function foot() {
  const { name, estimator, measurements } = study.about.study;
  document.getElementById("foot").replaceChildren(h("p", {}, `Study ${name}; estimator ${estimator}${measurements === "live" ? "" : `; measurements: ${measurements}`}. Effects are associations over these pairs, not causes. Everything is in this file; nothing is fetched or sent.`));
}

/** Decode what other views will need while nobody waits. */
function readAhead() {
  const later = window.requestIdleCallback ?? ((task) => setTimeout(task, 50));
  const tasks = study.hasPairs ? [loadPairs, () => chunk("details"), ...Array.from({ length: study.about.pairs.text_chunks }, (_, k) => () => pairs.readTexts(k))] : [];
  const step = async () => { const task = tasks.shift(); if (task) { await task(); later(step); } else document.documentElement.dataset.ready = "yes"; };
  later(step);
}

async function start() {
  study = new Study(await chunk("core"));
  setDefaults();
  watchTips();
  window.addEventListener("popstate", () => { restoringScroll = true; });
  window.addEventListener("hashchange", () => draw().catch(failed));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw().catch(failed));
  let width = window.innerWidth, timer = 0;
  window.addEventListener("resize", () => { clearTimeout(timer); if (window.innerWidth !== width) timer = setTimeout(() => { width = window.innerWidth; draw().catch(failed); }, 120); });
  document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); document.getElementById("main").focus(); });
  foot();
  await draw();
  readAhead();
}

function failed(error) {
  document.getElementById("main").replaceChildren(h("div", { class: "empty", role: "alert" }, h("p", {}, h("b", {}, "This view could not be drawn. "), String(error?.message ?? error)),
    h("p", {}, h("a", { href: "#view=map" }, "Back to the judges"), ". A browser of 2023 or later is needed (Chromium 80, Firefox 113, Safari 16.4).")));
  throw error;
}

start().catch(failed);
