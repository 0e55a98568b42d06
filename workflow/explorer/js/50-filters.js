"use strict";
// Filters of pairs. Each is a test of one pair; counts of its choices hold all other filters fixed.

const sidesOf = (i) => { const votes = pairs.counts(); return [votes[2 * i], votes[2 * i + 1]]; };
const decided = (verdict) => verdict === 1 || verdict === 2;

const AGREE = {
  all: { text: "all judges agree", of: (i) => { const [a, b] = sidesOf(i); return a + b > 1 && Math.min(a, b) === 0; } },
  split: { text: "judges are split", why: "split", of: (i) => { const [a, b] = sidesOf(i); return a + b > 1 && Math.min(a, b) >= (a + b) / 4; } },
  with: { text: () => `${study.judgeLabel(chosen.judge())} is with the majority`, of: (i) => majority(i) !== 0 && pairs.verdict(chosen.judge(), i) === majority(i) },
  against: { text: () => `${study.judgeLabel(chosen.judge())} is against the majority`,
    of: (i) => majority(i) !== 0 && decided(pairs.verdict(chosen.judge(), i)) && pairs.verdict(chosen.judge(), i) !== majority(i) },
  parted: { text: () => `${study.judgeLabel(chosen.judge())} and ${study.judgeLabel(chosen.other())} part`, of: (i) => parted(i) },
  united: { text: () => `${study.judgeLabel(chosen.judge())} and ${study.judgeLabel(chosen.other())} agree`,
    of: (i) => decided(pairs.verdict(chosen.judge(), i)) && pairs.verdict(chosen.judge(), i) === pairs.verdict(chosen.other(), i) },
  flips: { text: () => `${study.judgeLabel(chosen.judge())} changes with the order`, of: (i) => pairs.consistent[chosen.judge() * pairs.n + i] === 0 },
  undecided: { text: () => `${study.judgeLabel(chosen.judge())} leaves it undecided`, of: (i) => pairs.verdict(chosen.judge(), i) === 3 },
};
const agreeText = (key) => (typeof AGREE[key].text === "function" ? AGREE[key].text() : AGREE[key].text);

function majority(i) {
  const [a, b] = sidesOf(i);
  return a > b ? 1 : b > a ? 2 : 0;
}

function parted(i, one = chosen.judge(), two = chosen.other()) {
  const first = pairs.verdict(one, i), second = pairs.verdict(two, i);
  return decided(first) && decided(second) && first !== second;
}

/** 1 where a judge prefers the response with more of a property, −1 where the other, 0 where neither can be said. */
function follows(j, p, i) {
  const verdict = pairs.verdict(j, i), feature = pairs.feature(i, p);
  if (!decided(verdict) || !feature) return 0;
  return (verdict === 1) === feature > 0 ? 1 : -1;
}

/** Tests of the filters that are set: {key, text, of, clear}. */
function activeFilters(haystack) {
  const g = chosen.group(), found = [], add = (key, text, of, clear) => found.push({ key, text, of, clear: clear ?? { [key]: "" } });
  if (!["pooled", "overall"].includes(study.groups[g].kind)) {
    add("group", `group: ${study.groupLabel(g)}`, (i) => pairs.isIn(g, i), { group: widest() });
  }
  if (state.scenario) {
    const code = pairs.scenarios.indexOf(state.scenario);
    add("scenario", `scenario: ${visible(state.scenario)}`, (i) => pairs.scenario[i] === code);
  }
  if (state.in) {
    const other = study.groupsAt.get(state.in) ?? -1;
    add("in", `in: ${other < 0 ? visible(state.in) : study.groupLabel(other)}`, (i) => other >= 0 && pairs.isIn(other, i));
  }
  if (AGREE[state.agree]) add("agree", agreeText(state.agree), AGREE[state.agree].of);
  if (state.author) {
    const code = pairs.models.indexOf(state.author);
    add("author", `author: ${visible(state.author)}`, (i) => code >= 0 && (pairs.model_a[i] === code || pairs.model_b[i] === code));
  }
  const p = study.propertiesAt.get(state.differs);
  if (p !== undefined) {
    add("differs", `differ in: ${study.propertyLabel(p)}`, (i) => Math.abs(pairs.feature(i, p)) > 0, { differs: "", side: "" });
    if (state.side) {
      const wanted = state.side === "with" ? 1 : -1;
      const what = wanted > 0 ? "takes the one with more of it" : "takes the one with less of it";
      add("side", `${study.judgeLabel(chosen.judge())} ${what}`, (i) => follows(chosen.judge(), p, i) === wanted);
    }
  }
  if (state.q.trim()) {
    const words = state.q.toLowerCase().trim();
    add("q", `text holds ${visible(state.q.trim())}`, (i) => haystack[i].includes(words));
  }
  return found;
}

const widest = () => (study.groups.find((group) => group.kind === "pooled") ?? study.groups.find((group) => group.kind === "overall") ?? study.groups[0]).name;

/** Pairs that pass, and for each filter the pairs that only it keeps out. */
async function filtered() {
  const haystack = state.q.trim() ? await pairs.searchable() : null, filters = activeFilters(haystack);
  const passing = [], onlyBy = filters.map(() => []);
  for (let i = 0; i < pairs.n; i++) {
    let failures = 0, last = -1;
    for (let k = 0; k < filters.length && failures < 2; k++) if (!filters[k].of(i)) { failures++; last = k; }
    if (failures === 0) passing.push(i);
    else if (failures === 1) onlyBy[last].push(i);
  }
  return { filters, passing, onlyBy };
}

/** Pairs that pass all filters but those of some keys: what a choice of these would find. */
function without(result, ...keys) {
  const freed = result.filters.map((filter, k) => (keys.includes(filter.key) ? result.onlyBy[k] : [])).flat();
  return result.passing.concat(freed);
}

function tally(indices, codes) {
  const counts = new Map();
  for (const i of indices) for (const code of codes(i)) counts.set(code, (counts.get(code) ?? 0) + 1);
  return counts;
}

const withCount = (text, n) => `${text} (${count(n)})`;

function filterPanel(result) {
  const change = (key, more = {}) => (value) => go({ [key]: value, ...more });
  const any = (text) => ["", text];
  const named = (names, counts) => names.map((name, k) => [name, withCount(name, counts.get(k) ?? 0)]).sort((one, two) => one[1].localeCompare(two[1]));
  const scenarios = tally(without(result, "scenario"), (i) => [pairs.scenario[i]]);
  const authors = tally(without(result, "author"), (i) => [...new Set([pairs.model_a[i], pairs.model_b[i]])]);
  const open = without(result, "in"), agreeing = without(result, "agree"), differing = without(result, "differs", "side");
  const cases = study.groups.map((group, g) => ({ group, g })).filter(({ group }) => group.kind === "case" || group.kind === "defined");
  const j = chosen.judge(), p = study.propertiesAt.get(state.differs);
  const sides = p === undefined ? null : tally(without(result, "side"), (i) => [follows(j, p, i)]);
  const search = h("input", { type: "search", id: "filter-q", value: state.q, size: 27, spellcheck: "false", autocomplete: "off",
    placeholder: study.hasTexts ? "words in query or responses" : "name of a pair", oninput: (event) => replace({ q: event.target.value }) });
  return h("details", { class: "filters", open: true },
    h("summary", {}, h("span", { class: "count", id: "count" }, `${count(result.passing.length)} of ${plural(pairs.n, "pair")}`), result.filters.length ? " pass the filters" : " – no filter is set"),
    result.filters.length ? h("p", { class: "active" }, result.filters.map((filter) => h("a", { class: "chip", href: link(filter.clear), id: `clear-${filter.key}`, "aria-label": `take away the filter ${filter.text}` }, filter.text, " ✕"))) : null,
    h("div", { class: "row" },
      pairs.scenarios.length > 1 ? select("Scenario", "filter-scenario", state.scenario, [any("any"), ...named(pairs.scenarios, scenarios)], change("scenario"), "scenario") : null,
      cases.length ? select(cases.some(({ group }) => group.kind === "case") ? "Query-specific case" : "Group of the study", "filter-in", state.in,
        [any("any"), ...cases.map(({ group, g }) => [group.name, withCount(study.groupLabel(g), open.reduce((n, i) => n + pairs.isIn(g, i), 0))])], change("in"), "case") : null,
      select("Agreement", "filter-agree", state.agree, [any("any"), ...Object.entries(AGREE)
        .filter(([key]) => study.nJ > 1 || ["flips", "undecided"].includes(key))
        .map(([key, entry]) => [key, withCount(agreeText(key), agreeing.reduce((n, i) => n + entry.of(i), 0))])], change("agree")),
      pairs.models.length ? select("Author model", "filter-author", state.author, [any("any"), ...named(pairs.models, authors)], change("author"), "author") : null,
      select("Differ in property", "filter-differs", state.differs, [any("any"), ...study.properties.map((property, k) =>
        [property.name, withCount(study.propertyLabel(k), differing.reduce((n, i) => n + (Math.abs(pairs.feature(i, k)) > 0), 0))])],
      (value) => go(value ? { differs: value, property: value } : { differs: "", side: "" }), "property"),
      sides ? select(`${study.judgeLabel(j)} takes`, "filter-side", state.side, [any("either"), ["with", withCount("the one with more of it", sides.get(1) ?? 0)],
        ["against", withCount("the one with less of it", sides.get(-1) ?? 0)]], change("side")) : null,
      h("label", { class: "field", for: "filter-q" }, "Text", search),
      h("button", { type: "button", id: "filter-clear", disabled: !FILTERS.some((key) => state[key]), onclick: () => go(Object.fromEntries(FILTERS.map((key) => [key, ""]))) }, "Clear filters")));
}

/** Why nothing is left, and which filter to loosen. */
function whyEmpty(result) {
  const alone = result.filters.map((filter) => {
    let n = 0;
    for (let i = 0; i < pairs.n; i++) n += filter.of(i);
    return n;
  });
  const lines = result.filters.map((filter, k) => ({ filter, alone: alone[k], freed: result.onlyBy[k].length })).filter(({ alone: n, freed }) => n === 0 || freed);
  const loosen = (filter, freed) => h("a", { href: link(filter.clear) }, freed ? `without it ${plural(freed, "pair")} would be left` : "take it away");
  return h("div", { class: "empty", role: "note" }, h("p", {}, h("b", {}, "No pair passes all filters.")), h("ul", {},
    lines.length ? lines.map(({ filter, alone: n, freed }) => h("li", {}, h("b", {}, filter.text), n ? `: ${plural(n, "pair")} by itself; ` : ": no pair at all; ", loosen(filter, freed)))
      : result.filters.map((filter, k) => h("li", {}, h("b", {}, filter.text), `: ${plural(alone[k], "pair")} by itself, but none together with the others; `, loosen(filter, 0)))));
}
