"use strict";
// The whole state of the page lies in the address, after #: a link shows what its sender saw, back and forward work.

let study, pairs = null;
const DEFAULTS = {
  view: "map", judge: "", other: "", property: "", pair: "", group: "", scale: "log-odds", colour: "cluster", diff: "on", theme: "",
  scenario: "", in: "", agree: "", author: "", differs: "", side: "", q: "", sort: "", page: "0",
};
const FILTERS = ["scenario", "in", "agree", "author", "differs", "side", "q"];
let state = { ...DEFAULTS };

/** Defaults that depend on the study. */
function setDefaults() {
  const shown = study.about.study.judges.find((name) => study.judgesAt.has(name));
  const judge = study.judgesAt.get(shown) ?? 0;
  DEFAULTS.judge = study.judges[judge].name;
  DEFAULTS.group = study.about.study.group;
  DEFAULTS.property = study.properties[0]?.name ?? "";
}

function readState() {
  const given = new URLSearchParams(location.hash.slice(1)), found = { ...DEFAULTS };
  for (const key of Object.keys(DEFAULTS)) if (given.has(key)) found[key] = given.get(key);
  if (!VIEWS[found.view] || !VIEWS[found.view].there()) found.view = "map";
  return found;
}

/** Address of the state with some changes; what has its default value is left out. */
function link(changes = {}) {
  const next = { ...state, ...changes }, parts = new URLSearchParams();
  if (!("page" in changes)) next.page = "0";
  for (const [key, value] of Object.entries(next)) if (value !== DEFAULTS[key]) parts.set(key, value);
  return "#" + (parts.toString() || "view=map");
}

function go(changes) { location.hash = link(changes); }

/** Change the state without a step in the history: for what is typed letter by letter. */
function replace(changes) { location.replace(link(changes)); }

const to = {
  judge: (j) => link({ view: "judge", judge: study.judges[j].name }),
  property: (p, j) => link({ view: "property", property: study.properties[p].name, ...(j === undefined ? {} : { judge: study.judges[j].name }) }),
  compare: (i, j) => link({ view: "compare", judge: study.judges[i].name, other: study.judges[j].name }),
  pair: (i) => link({ view: "pair", pair: pairs.ids[i] }),
  pairs: (changes = {}) => link({ view: "pairs", ...Object.fromEntries(FILTERS.map((key) => [key, ""])), sort: "", ...changes }),
};

const chosen = {
  judge: () => study.judgesAt.get(state.judge) ?? study.judgesAt.get(DEFAULTS.judge),
  other: () => study.judgesAt.get(state.other) ?? usualOther(chosen.judge()),
  group: () => study.groupsAt.get(state.group) ?? study.groupsAt.get(DEFAULTS.group),
  property: () => study.propertiesAt.get(state.property) ?? 0,
};

/** Whom a judge is compared with where nobody was chosen: as the study compares, else people, else the first other judge. */
function usualOther(j) {
  const { name } = study.judges[j], named = study.about.study.compared.find((both) => both.includes(name));
  const other = named && study.judgesAt.get(named.find((entry) => entry !== name));
  return other ?? (study.human >= 0 && study.human !== j ? study.human : j === 0 ? Math.min(1, study.nJ - 1) : 0);
}
