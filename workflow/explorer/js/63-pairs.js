"use strict";
// Many pairs: filters, what the judge goes by on them, and the list.

const AT_ONCE = 25;
const SORTS = { moves: "moved most by the property", split: "most disagreement", apart: "two judges furthest apart", order: "order of the study" };

/** Preference for A that a fit predicts; even where there is none. */
function predicted(j, g, i) {
  const own = explainingGroup(j, g, i), sum = own < 0 ? NaN : predictedSums(j, own)[i];
  return Number.isNaN(sum) ? 0.5 : sigmoid(sum);
}

/** Pairs in the order that is asked for; equal ones stay as they are in the study. */
function sorted(indices, how, j, g, p) {
  const key = { moves: (i) => Math.abs(moved(j, g, p, i)), split: (i) => { const [a, b] = sidesOf(i); return Math.min(a, b) / Math.max(1, a + b); },
    apart: (i) => Math.round(100 * Math.abs(pairs.share(j, i) - pairs.share(chosen.other(), i))) + Math.abs(predicted(j, g, i) - predicted(chosen.other(), g, i)) }[how];
  if (!key) return indices;
  const values = new Map(indices.map((i) => [i, key(i)])), of = (i) => (Number.isFinite(values.get(i)) ? values.get(i) : -1);
  return [...indices].sort((one, two) => of(two) - of(one) || one - two);
}

async function renderPairs() {
  await loadPairs();
  const j = chosen.judge(), g = chosen.group(), result = await filtered(), p = study.propertiesAt.get(state.differs);
  const how = SORTS[state.sort] && (state.sort !== "moves" || p !== undefined) ? state.sort : p !== undefined && study.fitted(j, g) ? "moves" : "split";
  const order = sorted(result.passing, how, j, g, p ?? 0), last = Math.max(0, Math.ceil(order.length / AT_ONCE) - 1);
  const at = Math.min(last, Math.max(0, Number.parseInt(state.page, 10) || 0)), shown = order.slice(at * AT_ONCE, (at + 1) * AT_ONCE);
  offer("pairs", ["pair", "scenario", "author A", "author B", `preference of ${study.judges[j].label}`, "judges for A", "judges for B"], order.map((i) => [pairs.ids[i], pairs.scenarios[pairs.scenario[i]] ?? "",
    pairs.models[pairs.model_a[i]] ?? "", pairs.models[pairs.model_b[i]] ?? "", VERDICT[pairs.verdict(j, i)], ...sidesOf(i)]));
  say(`${count(order.length)} of ${plural(pairs.n, "pair")}`);
  const pager = last ? h("div", { class: "pager" }, at ? h("a", { href: link({ page: String(at - 1) }), id: "before" }, "← before") : null, h("span", {}, `${count(at * AT_ONCE + 1)} to ${count(at * AT_ONCE + shown.length)} of ${count(order.length)}`),
    at < last ? h("a", { href: link({ page: String(at + 1) }), id: "next" }, "next →") : null) : null;
  return h("section", {}, h("h2", {}, "Pairs"), filterPanel(result),
    order.length === 0 ? whyEmpty(result) : [
      goesBy(order, j),
      h("div", { class: "tools" }, h("h3", {}, "The pairs"), h("div", { class: "push" }, select("Order", "sort", how, Object.entries(SORTS)
        .filter(([key]) => (key !== "moves" || p !== undefined) && (key !== "apart" || study.nJ > 1)), (value) => go({ sort: value }), "moves"))),
      await pairList(shown, j, g, p), pager]);
}

const VERDICT = ["no preference", "A", "B", "tie"];

async function pairList(indices, j, g, p) {
  const items = await Promise.all(indices.map(async (i) => pairItem(i, await pairs.text(i), j, g, p)));
  return h("ol", { class: "pairs" }, items);
}

function pairItem(i, text, j, g, p) {
  const [a, b] = sidesOf(i), change = p === undefined ? NaN : moved(j, g, p, i);
  const cut = (value, n) => (value.length > n ? `${value.slice(0, n)} …` : value), feature = p === undefined ? 0 : pairs.feature(i, p);
  return h("li", {}, h("a", { href: link({ view: "pair", pair: pairs.ids[i], ...(p === undefined ? {} : { property: study.properties[p].name }),
    ...(state.view === "compare" ? { other: study.judges[chosen.other()].name } : {}) }), class: "open" }, pairs.ids[i]),
    text ? h("div", { class: "quote", dir: "auto" }, textNodes(cut(text.prompt, 220))) : null,
    h("div", { class: "line" }, pairs.scenario[i] >= 0 ? h("span", {}, pairs.scenarios[pairs.scenario[i]]) : null,
      saidChip(j, i), state.view === "compare" || study.judgesAt.has(state.other) || ["parted", "united"].includes(state.agree) ? saidChip(chosen.other(), i) : null,
      a + b > 1 ? h("span", {}, `judges: ${a} for A, ${b} for B`) : null,
      feature ? h("span", {}, `${feature > 0 ? "A" : "B"} has more of “${study.propertyLabel(p)}”${follows(j, p, i) === 0 ? "" : follows(j, p, i) > 0 ? ", and is preferred" : ", and is not preferred"}`) : null,
      Math.abs(change) >= 0.005 ? h("span", {}, term("moves", "moves"), ` the prediction by ${number(100 * Math.abs(change), 0)} points towards ${change > 0 ? "A" : "B"}`) : null));
}

function saidChip(j, i) {
  const verdict = pairs.verdict(j, i);
  return h("span", {}, `${study.judgeLabel(j)}: `, h("span", { class: `chip ${["", "a", "b", ""][verdict]}` }, VERDICT[verdict]));
}

/** Share of pairs in which a judge takes the response with more of each property, as a chart that filters when chosen. */
function goesBy(indices, j, title = `What ${study.judgeLabel(j)} goes by on these pairs`) {
  const rows = study.properties.map((property, p) => {
    let hits = 0, n = 0;
    for (const i of indices) { const side = follows(j, p, i); if (side) { n++; hits += side > 0; } }
    const [share, low, high] = wilson(hits, n);
    return { key: property.name, p, n, label: study.propertyLabel(p), value: 100 * share, low: 100 * low, high: 100 * high, unsure: !(low > 0.5 || high < 0.5),
      href: link({ view: "pairs", differs: property.name, property: property.name, side: share >= 0.5 ? "with" : "against" }),
      tip: `${study.propertyLabel(p)}: in ${hits} of ${n} pairs that differ in it and that ${study.judgeLabel(j)} decided, it takes the response with more of it` };
  }).filter((row) => row.n).sort(byDistance);
  if (!rows.length) return h("p", { class: "note" }, `${study.judgeLabel(j)} decided none of these pairs that differ in a property.`);
  return h("details", { class: "data", open: true }, h("summary", {}, title),
    keyOf("takes more of it", "takes less of it", rows, undefined, "95 % interval"),
    figure(dotRows(rows, { width: Math.min(widthOf(), 860), neutral: 50, least: 10, title: "takes more of it, % of pairs", sides: ["← takes less", "takes more →"] }),
      `What ${study.judgeLabel(j)} goes by on these pairs`, [`A plain count over ${plural(indices.length, "pair")}, `, term("nothing held equal", "winshare"), ". Choose a dot to see those pairs."]));
}
