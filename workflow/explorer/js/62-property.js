"use strict";
// One property: over the judges, over the groups, and the pairs that it moves most.

async function renderProperty() {
  const p = chosen.property(), g = chosen.group(), j = chosen.judge(), property = study.properties[p];
  const rowOf = (judge, group, key, label, href) => {
    const effect = study.effect(judge, group, p);
    return effect && { key, label, value: effect.degree, low: effect.low, high: effect.high, unsure: effect.unsure, effect, href, tip: effectTip(effect, label) };
  };
  const judges = study.judges.map((judge, k) => rowOf(k, g, judge.name, study.judgeLabel(k) + (study.isControl(k) ? " ◆" : ""), link({ view: "property", judge: judge.name }))).filter(Boolean)
    .sort((one, two) => two.value - one.value);
  const groups = study.groups.map((group, k) => rowOf(j, k, group.name, study.groupLabel(k), link({ view: "property", group: group.name }))).filter(Boolean);
  const reach = { neutral: 50, least: 5, title: "degree of preference", sides: ["← penalises", "rewards →"], width: widthOf(0.5) - (narrow() ? 0 : 4) };
  offer(`${property.label} by judge`, ["judge", "degree", "low", "high", "word"], judges.map((row) => [study.judges[study.judgesAt.get(row.key)].label, row.value, row.low, row.high, row.effect.word]));
  const told = (word) => judges.filter((row) => row.effect.word === word).length;
  return h("section", {}, h("h2", {}, study.propertyLabel(p)),
    h("p", {}, property.definition, " ", property.below ? term("†", "reliability") : null),
    judges.length && study.about.study.judged ? h("div", { class: "told" }, h("p", {}, `In ${study.groupLabel(g)}, ${told("rewards")} of ${plural(judges.length, "judge")} reward it, ${told("penalises")} penalise it; for ${judges.filter((row) => row.unsure).length} it `,
      term("cannot be told from neutral", "unsure"), ".")) : null,
    h("div", { class: "columns even" },
      h("div", {}, h("h3", {}, `Over the judges: ${study.groupLabel(g)}`), judges.length ? [keyOf("rewarded", "penalised", judges, undefined, study.about.study.intervals.effects),
        figure(dotRows(judges, reach), `${study.propertyLabel(p)} by judge`, judges.some((row) => row.label.endsWith("◆")) ? ["◆ ", term("control judge", "control"), ". Choose a judge to see its groups and pairs."] : "Choose a judge to see its groups and pairs."),
        effectTable("judge", judges, `${study.propertyLabel(p)} by judge`)] : h("p", { class: "empty" }, "No judge has a fit in this group.")),
      h("div", {}, h("h3", {}, "Over the groups: ", h("a", { href: to.judge(j) }, study.judgeLabel(j))), groups.length ? [keyOf("rewarded", "penalised", groups, undefined, ""),
        figure(dotRows(groups, reach), `${study.propertyLabel(p)} by group, ${study.judgeLabel(j)}`, "Choose a group to look at its pairs."),
        effectTable("group", groups, `${study.propertyLabel(p)} by group`)] : h("p", { class: "empty" }, `${study.judgeLabel(j)} has no fit in any group.`))),
    study.hasPairs ? await movedMost(j, g, p) : null);
}

async function movedMost(j, g, p) {
  if (!study.fitted(j, g)) return null;
  await loadPairs();
  const inside = [];
  for (let i = 0; i < pairs.n; i++) if (pairs.isIn(g, i) && Math.abs(pairs.feature(i, p)) > 0) inside.push(i);
  const best = sorted(inside, "moves", j, g, p).slice(0, 8);
  return [h("h3", {}, `The pairs that it moves most: ${study.judgeLabel(j)}`),
    h("p", { class: "note" }, `Of ${plural(inside.length, "pair")} in ${study.groupLabel(g)} that differ in it, those whose predicted preference would `, term("move most", "moves"), " without the difference. ",
      h("a", { href: to.pairs({ differs: study.properties[p].name, sort: "moves" }), id: "all-moved" }, "All of them, with filters")),
    best.length ? await pairList(best, j, g, p) : h("p", { class: "empty" }, "No pair of this group differs in it.")];
}
