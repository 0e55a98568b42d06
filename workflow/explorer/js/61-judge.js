"use strict";
// One judge: what it rewards, how it behaves, and whom it is like.

const effectTip = (effect, what) => `${what}: ${number(effect.degree)}${Number.isFinite(effect.low) ? ` (${span(effect.low, effect.high)})` : ""}\n${WORDS[effect.word]}`;
const WORDS = { rewards: "rewarded", penalises: "penalised", "not distinguishable": "cannot be told from neutral", "no interval": "no interval, so not judged" };
const byDistance = (one, two) => Math.abs(two.value - 50) - Math.abs(one.value - 50);

function effectRows(j, g) {
  return study.properties.map((_, p) => ({ p, effect: study.effect(j, g, p) })).filter(({ effect }) => effect).map(({ p, effect }) => ({
    key: study.properties[p].name, label: study.propertyLabel(p), value: effect.degree, low: effect.low, high: effect.high, unsure: effect.unsure, effect, p,
    href: to.property(p, j), tip: effectTip(effect, study.propertyLabel(p)),
  })).sort(byDistance);
}

function effectTable(first, rows, caption) {
  return h("details", { class: "data" }, h("summary", {}, "The same as a table"), table(caption, [
    { name: first, of: (row) => h("a", { href: row.href }, row.label) },
    { name: "degree", why: "degree", n: true, of: (row) => number(row.value) },
    { name: "95 % interval", why: "interval", n: true, of: (row) => span(row.low, row.high) || "none" },
    { name: "in words", of: (row) => WORDS[row.effect.word] },
  ], rows, { unsure: (row) => row.unsure }));
}

function toldSentence(j, g, rows) {
  const names = (word) => rows.filter((row) => row.effect.word === word).map((row) => `${row.label} (${number(row.value)})`);
  const up = names("rewards"), down = names("penalises"), unsure = rows.filter((row) => row.unsure).length;
  const where = [` in ${study.groupLabel(g)}`, study.fitPairs(j, g) ? ` (${plural(study.fitPairs(j, g), "pair")})` : ""];
  if (!study.about.study.judged) {
    const top = [...rows].sort((one, two) => two.value - one.value), name = (row) => `${row.label} (${number(row.value)})`;
    return h("p", {}, h("b", {}, study.judgeLabel(j)), where, ": most preferred ", listed(top.slice(0, 3).map(name)), "; least ", listed(top.slice(-3).reverse().map(name)),
      ". Whether effects can be told from neutral is not judged in this study.");
  }
  return h("p", {}, h("b", {}, study.judgeLabel(j)), where, " ", up.length ? ["rewards ", listed(up)] : null, up.length && down.length ? " and " : null,
    down.length ? ["penalises ", listed(down)] : null, !up.length && !down.length ? "shows nothing that can be told from neutral" : null, ". ",
    unsure ? [`${up.length + down.length ? "The other " : "All "}${plural(unsure, "property", "properties")} `, term("cannot be told from neutral", "unsure"), "."] : null);
}

function renderJudge() {
  const j = chosen.judge(), g = chosen.group(), judge = study.judges[j], rows = effectRows(j, g);
  const facts = [["kind", study.isControl(j) ? [term("control", "control"), ` (rule: ${judge.rule})`] : judge.kind], ["cluster", judge.cluster ?? "none"],
    ...Object.entries(judge.attributes).filter(([, value]) => value !== null).map(([name, value]) => [name.replaceAll("_", " "), String(value)])];
  offer(`effects of ${judge.label}`, ["property", "degree", "low", "high", "word"], rows.map((row) => [study.properties[row.p].label, row.value, row.low, row.high, row.effect.word]));
  return h("section", {}, h("h2", {}, study.judgeLabel(j)),
    h("ul", { class: "facts" }, facts.map(([name, value]) => h("li", {}, h("span", { class: "soft" }, `${name}: `), h("b", {}, value)))),
    rows.length ? h("div", { class: "told" }, toldSentence(j, g, rows)) : h("div", { class: "empty" }, h("p", {}, `${study.judgeLabel(j)} has no effects in ${study.groupLabel(g)}: ${study.skipped(j, g)}. Choose another group of pairs above.`)),
    h("div", { class: "columns" },
      h("div", {}, h("h3", {}, "What it rewards"), rows.length ? [
        keyOf("rewarded", "penalised", rows, undefined, study.about.study.intervals.effects),
        figure(dotRows(rows, { width: widthOf(0.6), neutral: 50, least: 5, title: "degree of preference", sides: ["← penalises", "rewards →"] }), `Degree of preference of ${study.judgeLabel(j)} by property`,
          [term("Degree of preference", "degree"), ": 50 is neutral. Choose a dot to look into a property."]),
        effectTable("property", rows, `What ${study.judgeLabel(j)} rewards`)] : null,
        fitNote(j, g)),
      h("div", {}, relatives(j, g), study.about.measures.length ? datasheet(j, g) : null)));
}

function fitNote(j, g) {
  const quality = study.quality(j, g);
  if (!quality || !Number.isFinite(quality[0])) return null;
  return h("p", { class: "note" }, "The fit predicts ", h("b", {}, percent(quality[0])), " of preferences that it ", term("has not seen", "quality"),
    `; always naming the majority gives ${percent(quality[1])}, the longer response ${percent(quality[2])}.`);
}

function relatives(j, g) {
  const near = study.nearest(j, g), others = near.filter((row) => !study.isControl(row.judge)), controls = near.filter((row) => study.isControl(row.judge));
  const columns = [
    { name: "judge", of: (row) => h("a", { href: to.judge(row.judge) }, study.judgeLabel(row.judge)) },
    { name: "similarity", why: "similarity", n: true, of: (row) => number(row.value, 2) },
    { name: "95 % interval", why: "interval", n: true, of: (row) => span(row.low, row.high, 2) || "none" },
    { name: "", of: (row) => h("a", { href: to.compare(j, row.judge), "aria-label": `compare with ${study.judgeLabel(row.judge)}` }, "compare") },
  ];
  return [h("h3", {}, "Who is like it"), others.length ? table(`Most like ${study.judgeLabel(j)}`, columns, others.slice(0, 6)) : h("p", { class: "note" }, "No other judge has a similarity to it that is defined in this group."),
    others.length > 6 ? h("details", { class: "data" }, h("summary", {}, `All ${others.length} judges`), table("All judges", columns, others)) : null,
    controls.length ? [h("h3", {}, term("Control judges", "control"), " for scale"), table(`Similarity of ${study.judgeLabel(j)} to stated rules`, columns, controls)] : null];
}

function datasheet(j, g) {
  const at = study.groups[g].kind === "overall" ? study.groupsAt.get(widest()) : g, rows = study.datasheet(j, at);
  if (!rows.length) return null;
  const show = (row, value) => (row.measure.name === "kappa" ? number(value, 2) : percent(value));
  return [h("h3", {}, "How it behaves"), table(`Datasheet: ${study.groupLabel(at)}`, [
    { name: "", of: (row) => term(row.measure.label, row.measure.meaning) },
    { name: "value", n: true, of: (row) => show(row, row.value) },
    { name: "95 % interval", why: "interval", n: true, of: (row) => (row.measure.name === "kappa" ? span(row.low, row.high, 2) : Number.isFinite(row.low) ? `${number(100 * row.low, 0)} to ${number(100 * row.high, 0)} %` : "") || "none" },
  ], rows)];
}
