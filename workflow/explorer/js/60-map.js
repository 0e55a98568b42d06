"use strict";
// The judges together: who is like whom, and what each rewards.

const CATEGORICAL = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8c564b", "#7f7f7f"];
const DARK = ["#5fb4ef", "#ff9a57", "#45c9a0", "#e79fc6", "#f0c04c", "#a5d8ff", "#c49c94", "#b5b5b5"];

function renderMap() {
  const { places, misfit, group } = study.about.map, placed = places.some(Boolean) && study.nJ > 1;
  const page = h("section", {},
    h("h2", {}, "Judges"),
    h("p", {}, extent()),
    placed ? mapFigure(places, misfit, group) : h("p", { class: "note" }, "There is no map: no two judges have a similarity that is defined."),
    h("h3", {}, `What each judge rewards: ${study.groupLabel(chosen.group())}`),
    h("p", { class: "note" }, term("Degree of preference", "degree"), " of every property; 50 is neutral. ", study.about.study.judged ? ["Coloured: told from neutral (blue: rewarded, orange: penalised); grey: ",
      term("cannot be told from it", "unsure")] : "Blue: above 50, orange: below; whether that can be told from neutral is not judged in this study", `. Columns: the strongest first. Choose a number to see ${study.hasPairs ? "the pairs behind it" : "the property"}.`, study.properties.some((property) => property.below) ? term(" †", "reliability") : null),
    matrix());
  return page;
}

function extent() {
  const controls = study.judges.filter((_, j) => study.isControl(j)).length, own = study.nJ - controls, { pairs: about } = study.about;
  const judges = controls ? [plural(own, "judge"), " and ", term(plural(controls, "control judge"), "control")] : [term(plural(own, "judge"), "judge")];
  const data = about ? `, ${plural(about.n, "pair")} of responses to ${plural(about.n_prompts, "prompt")}` : "";
  const left = about && about.n_detailed < about.n
    ? ` ${about.texts ? "Texts, ratings" : "Ratings"} and single answers of ${count(about.n_detailed)} pairs drawn at random are on this page; those of the others were left out (explorer.max_pairs).` : "";
  const silent = about && !about.texts ? " Prompts and responses were left out of this page (explorer.texts)." : "";
  return [...judges, `${data}, `, term(`${study.nP} properties`, "property"), ".", left, silent,
    study.hasPairs ? "" : " This study starts from published coefficients: there are no pairs to look at."];
}

/** What judges are coloured by: clusters, or an attribute that some judge has. */
function colouring() {
  const names = [...new Set(study.judges.flatMap((judge) => Object.keys(judge.attributes)))];
  const chosenName = state.colour === "cluster" || !names.includes(state.colour) ? "cluster" : state.colour;
  const raw = study.judges.map((judge) => (chosenName === "cluster" ? judge.cluster : judge.attributes[chosenName]));
  const values = raw.map((value) => (value === null || value === undefined ? "none" : chosenName === "cluster" ? `cluster ${value}` : visible(value)));
  const order = [...new Set(values)].sort((one, two) => one.localeCompare(two, "en", { numeric: true }));
  return { names, name: chosenName, values, order };
}

function mapFigure(places, misfit, group) {
  const colour = colouring(), dark = currentTheme() === "dark", palette = dark ? DARK : CATEGORICAL;
  const most = palette.length, shade = (value) => { const k = colour.order.indexOf(value); return k < most - 1 || colour.order.length === most ? palette[k] : palette[most - 1]; };
  const rows = study.judges.map((judge, j) => ({ j, place: places[j], label: study.judgeLabel(j), value: colour.values[j] })).filter((row) => row.place)
    .map((row) => {
      const near = study.nearest(row.j, group)[0];
      return { ...row, x: row.place[0], y: row.place[1], href: to.judge(row.j), control: study.isControl(row.j), fill: shade(row.value),
        tip: `${row.label}${study.isControl(row.j) ? " (control)" : ""}\n${row.value}${near ? `\nmost like ${study.judgeLabel(near.judge)}: ${number(near.value, 2)}` : ""}` };
    });
  const width = widthOf(0.6), extentOf = (axis) => [Math.min(...rows.map((row) => row[axis])), Math.max(...rows.map((row) => row[axis]))];
  const [x, y] = [extentOf("x"), extentOf("y")], range = Math.max(x[1] - x[0], y[1] - y[0], 1e-3);
  const inner = width - 60, height = Math.round(Math.min(520, Math.max(260, ((y[1] - y[0]) / range) * inner + 80)));
  const scale = Math.min(inner / Math.max(x[1] - x[0], 1e-9), (height - 60) / Math.max(y[1] - y[0], 1e-9), inner / (range * 0.6));
  const middle = (x[0] + x[1]) / 2, centre = (y[0] + y[1]) / 2;
  const domain = { x: [middle - width / 2 / scale, middle + width / 2 / scale], y: [centre - height / 2 / scale, centre + height / 2 / scale] };
  const labels = placeLabels(rows.map((row) => ({ ...row, px: (row.x - domain.x[0]) * scale, py: (domain.y[1] - row.y) * scale })), width, height);
  const plot = Plot.plot({
    width, height, margin: 0, x: { domain: domain.x, axis: null }, y: { domain: domain.y, axis: null }, style: { fontSize: "12.5px" }, symbol: { type: "identity" },
    marks: [
      Plot.frame({ stroke: LINE, rx: 8 }),
      Plot.link(labels.filter((label) => label.far), { x1: "x", y1: "y", x2: (l) => domain.x[0] + l.ax / scale, y2: (l) => domain.y[1] - l.ay / scale, stroke: LINE }),
      Plot.dot(rows, { x: "x", y: "y", r: 6.5, fill: "fill", symbol: (row) => (row.control ? "diamond2" : "circle"), stroke: PAPER, strokeWidth: 1, href: "href", title: "tip" }),
      ...["start", "end"].map((anchor) => Plot.text(labels.filter((label) => label.anchor === anchor), { x: (l) => domain.x[0] + l.lx / scale, y: (l) => domain.y[1] - l.ly / scale,
        text: "label", textAnchor: anchor, fill: INK, href: "href" })),
    ],
  });
  const dot = (value) => { const mark = document.createElement("span"); mark.style.cssText = `display:inline-block;width:.75rem;height:.75rem;border-radius:50%;margin-right:.35rem;vertical-align:-1px;background:${shade(value)}`; return mark; };
  const shown = colour.order.slice(0, most), hiddenLabels = rows.length - labels.length;
  return h("div", { class: "columns" },
    h("div", {},
      h("div", { class: "key" }, colour.names.length ? select("Colour", "colour", colour.name, [["cluster", "cluster"], ...colour.names.map((name) => [name, name])], (value) => go({ colour: value })) : null,
        shown.map((value) => h("span", {}, dot(value), value)), colour.order.length > most ? h("span", {}, `and ${colour.order.length - most} more values in the last colour`) : null,
        rows.some((row) => row.control) ? h("span", {}, "◆ ", term("control judge", "control")) : null),
      figure(plot, "Map of the judges", ["Like judges lie ", term("close to each other", "map"), `: ${study.groupLabel(group)}.`,
        misfit === null ? "" : ` Distances are off by ${percent(misfit)}.`, hiddenLabels ? ` ${plural(hiddenLabels, "name")} left out for want of room: hover a dot, or use the list.` : ""])),
    h("div", {}, judgeList(group)));
}

/** Names beside their dots where there is room; {…row, lx, ly, anchor}. */
function placeLabels(rows, width, height) {
  const taken = rows.map((row) => [row.px - 7, row.py - 7, row.px + 7, row.py + 7]), found = [];
  const free = (box) => box[0] > 2 && box[2] < width - 2 && box[1] > 2 && box[3] < height - 2 && !taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]);
  for (const row of rows) {
    const wide = 6.9 * row.label.length + 4;
    for (const [dx, dy, anchor] of [[10, 0, "start"], [-10, 0, "end"], [8, -14, "start"], [8, 14, "start"], [-8, -14, "end"], [-8, 14, "end"], [14, -27, "start"], [14, 27, "start"], [-14, -27, "end"], [-14, 27, "end"]]) {
      const left = anchor === "start" ? row.px + dx : row.px + dx - wide, box = [left, row.py + dy - 8, left + wide, row.py + dy + 8];
      if (!free(box)) continue;
      taken.push(box);
      found.push({ ...row, lx: row.px + dx, ly: row.py + dy, ax: row.px + dx, ay: row.py + dy, anchor, far: Math.abs(dy) > 20 });
      break;
    }
  }
  return found;
}

function judgeList(group) {
  const order = study.judges.map((_, j) => j).sort((one, two) => (study.judges[one].cluster ?? 99) - (study.judges[two].cluster ?? 99));
  const rows = order.map((j) => ({ j, near: study.nearest(j, group)[0] }));
  offer("judges", ["judge", "cluster", "nearest", "similarity"], rows.map(({ j, near }) => [study.judges[j].label, study.judges[j].cluster ?? "", near ? study.judges[near.judge].label : "", near?.value ?? ""]));
  return h("div", { class: "tall" }, table("Judges by cluster", [
    { name: "judge", of: ({ j }) => [h("a", { href: to.judge(j) }, study.judgeLabel(j)), study.isControl(j) ? " ◆" : ""] },
    { name: "cluster", why: "cluster", n: true, of: ({ j }) => study.judges[j].cluster ?? "none" },
    { name: "most like", why: "similarity", of: ({ near }) => (near ? [h("a", { href: to.judge(near.judge) }, study.judgeLabel(near.judge)), ` ${number(near.value, 2)}`] : "–") },
  ], rows));
}

function matrix() {
  const g = chosen.group(), judges = study.judges.map((_, j) => j).filter((j) => study.fitted(j, g));
  const missing = study.nJ - judges.length;
  // What some judge rewards or penalises most stands where it is seen without scrolling.
  const strength = study.properties.map((_, p) => Math.max(0, ...judges.map((j) => { const { degree, unsure } = study.effect(j, g, p); return Math.abs(degree - 50) + (unsure ? 0 : 100); })));
  const columns = study.properties.map((_, p) => p).sort((one, two) => strength[two] - strength[one]);
  const cell = (j, p) => {
    const effect = study.effect(j, g, p), away = Math.abs(effect.degree - 50);
    const name = study.properties[p].name, label = `${study.judgeLabel(j)}, ${study.propertyLabel(p)}: ${number(effect.degree)} (${effect.word})`;
    const cellOf = h("td", { class: effect.unsure ? "unsure" : effect.degree > 50 ? "up" : effect.degree < 50 ? "down" : null },
      h("a", { href: study.hasPairs ? to.pairs({ judge: study.judges[j].name, property: name, differs: name, sort: "moves" }) : to.property(p, j), "aria-label": label,
        "data-tip": `${label}${Number.isFinite(effect.low) ? `\ninterval ${span(effect.low, effect.high)}` : ""}` }, number(effect.degree, 0)));
    if (!effect.unsure) cellOf.style.setProperty("--much", `${Math.min(60, 8 + away * 2)}%`);
    return cellOf;
  };
  offer("effects", ["judge", "property", "degree", "low", "high", "word"], judges.flatMap((j) => study.properties.map((property, p) => {
    const effect = study.effect(j, g, p);
    return [study.judges[j].label, property.label, effect.degree, effect.low, effect.high, effect.word];
  })));
  return [h("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "Degrees of preference by judge and property" }, h("table", { class: "matrix" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "judge"), columns.map((p) =>
      h("th", { scope: "col" }, h("a", { href: to.property(p), "data-tip": visible(study.properties[p].definition) }, study.propertyLabel(p)))))),
    h("tbody", {}, judges.map((j) => h("tr", {}, h("th", { scope: "row", "data-tip": study.judgeLabel(j) }, h("a", { href: to.judge(j) }, study.judgeLabel(j))), columns.map((p) => cell(j, p))))))),
  missing ? h("p", { class: "note" }, `${plural(missing, "judge")} without a fit in this group: ${listed(study.judges.map((_, j) => j).filter((j) => !study.fitted(j, g)).slice(0, 12).map((j) => study.judgeLabel(j)))}${missing > 12 ? " …" : ""}.`) : null];
}
