"use strict";
// Two judges: what they differ in, and the pairs on which they part.

async function renderCompare() {
  const i = chosen.judge(), j = chosen.other(), g = chosen.group();
  const names = [study.judgeLabel(i), study.judgeLabel(j)];
  const head = h("h2", {}, h("a", { href: to.judge(i) }, names[0]), " and ", h("a", { href: to.judge(j) }, names[1]));
  if (i === j) return h("section", {}, h("h2", {}, "Compare"), h("p", { class: "empty" }, "Choose two different judges above."));
  const found = await study.differences(i, j, g);
  const rows = found.map((row) => ({ ...row, key: study.properties[row.p].name, label: study.propertyLabel(row.p), href: to.property(row.p),
    tip: `${study.propertyLabel(row.p)}: ${signed(row.value)} points${Number.isFinite(row.low) ? ` (${span(row.low, row.high, 1, signed)})` : ""}\n${names[0]} ${number(study.effect(i, g, row.p).degree)}, ${names[1]} ${number(study.effect(j, g, row.p).degree)}` }))
    .sort((one, two) => Math.abs(two.value) - Math.abs(one.value));
  offer(`difference ${study.judges[i].label} - ${study.judges[j].label}`, ["property", "difference", "low", "high", study.judges[i].label, study.judges[j].label],
    rows.map((row) => [study.properties[row.p].label, row.value, row.low, row.high, study.effect(i, g, row.p).degree, study.effect(j, g, row.p).degree]));
  const parting = study.hasPairs ? await partingPairs(i, j, g) : null;
  const missing = [i, j].filter((k) => !study.fitted(k, g));
  return h("section", {}, head, h("div", { class: "told" }, ...summary(i, j, g, rows, parting)),
    missing.length ? h("div", { class: "empty" }, missing.map((k) => h("p", {}, `${study.judgeLabel(k)} has no effects in ${study.groupLabel(g)}: ${study.skipped(k, g)}.`))) : null,
    rows.length ? [h("h3", {}, "What they differ in"), keyOf(`${names[0]} rewards it more`, `${names[1]} rewards it more`, rows, "cannot be told from no difference", study.about.study.intervals.others),
      figure(dotRows(rows, { width: Math.min(widthOf(), 980), neutral: 0, least: 5, title: "difference, points", sides: [`← ${names[1]} rewards it more`, `${names[0]} rewards it more →`], format: signed }), `Difference of ${names[0]} and ${names[1]} by property`,
        [`${names[0]} minus ${names[1]}, `, term("degree of preference", "degree"), `, ${study.groupLabel(g)}.`]),
      h("details", { class: "data" }, h("summary", {}, "The same as a table"), table(`${names[0]} minus ${names[1]}`, [
        { name: "property", of: (row) => h("a", { href: row.href }, row.label) }, { name: names[0], n: true, of: (row) => number(study.effect(i, g, row.p).degree) },
        { name: names[1], n: true, of: (row) => number(study.effect(j, g, row.p).degree) }, { name: "difference", n: true, of: (row) => signed(row.value) },
        { name: "95 % interval", why: "interval", n: true, of: (row) => span(row.low, row.high, 1, signed) || "none" }], rows, { unsure: (row) => row.unsure }))] : null,
    parting ? parting.nodes : null);
}

function summary(i, j, g, rows, parting) {
  const [value, low, high] = study.similarity("pearson", g, i, j), names = [study.judgeLabel(i), study.judgeLabel(j)];
  const more = rows.filter((row) => row.told && row.value > 0), less = rows.filter((row) => row.told && row.value < 0), name = (row) => `${row.label} (${signed(row.value, 0)})`;
  const sentences = [h("p", {}, term("Similarity", "similarity"), ` in ${study.groupLabel(g)}: `, h("b", {}, Number.isFinite(value) ? number(value, 2) : "not defined"), Number.isFinite(low) ? ` (${span(low, high, 2)})` : "", ". ",
    parting && parting.decided ? [`Of ${plural(parting.decided, "pair")} that both decided they agree on `, h("b", {}, percent(1 - parting.n / parting.decided)), ` and part on ${count(parting.n)}.`] : null)];
  if (rows.length && study.about.study.judged) sentences.push(h("p", {}, more.length ? [h("b", {}, names[0]), " rewards more: ", listed(more.slice(0, 5).map(name)), ". "] : null, less.length ? [h("b", {}, names[1]), " rewards more: ", listed(less.slice(0, 5).map((row) => name({ ...row, value: -row.value }))), ". "] : null,
    !more.length && !less.length ? ["No difference in a single property ", term("can be told from none", "unsure"), "."] : "In points of degree of preference; the other differences cannot be told from none."));
  else if (rows.length) sentences.push(h("p", {}, "Largest differences: ", listed(rows.slice(0, 4).map(name)), " points (", names[0], " minus ", names[1], "). Whether they can be told from none is not judged in this study."));
  if (parting?.clue) sentences.push(h("p", {}, parting.clue));
  return sentences;
}

/** Pairs on which two judges part, and what separates them there. */
async function partingPairs(i, j, g) {
  await loadPairs();
  const inside = [];
  let both = 0;
  for (let k = 0; k < pairs.n; k++) {
    if (!pairs.isIn(g, k)) continue;
    const decidedBoth = decided(pairs.verdict(i, k)) && decided(pairs.verdict(j, k));
    both += decidedBoth;
    if (decidedBoth && parted(k, i, j)) inside.push(k);
  }
  const result = { n: inside.length, decided: both, clue: null, nodes: null };
  if (!both) { result.nodes = h("p", { class: "note" }, "There is no pair in this group that both decided."); return result; }
  if (!inside.length) { result.nodes = [h("h3", {}, "The pairs on which they part"), h("p", { class: "note" }, "None: they prefer the same response in every pair that both decided.")]; return result; }
  const rows = study.properties.map((_, p) => {
    let hits = 0, n = 0;
    for (const k of inside) { const side = follows(i, p, k); if (side) { n++; hits += side > 0; } }
    const [share, low, high] = wilson(hits, n);
    return { p, n, hits, share, told: low > 0.5 || high < 0.5 };
  }).filter((row) => row.n).sort((one, two) => Math.abs(two.share - 0.5) * Math.sqrt(two.n) - Math.abs(one.share - 0.5) * Math.sqrt(one.n));
  const clear = rows.find((row) => row.told);
  if (clear) {
    const more = clear.share > 0.5;
    result.clue = [`On the pairs on which they part, ${study.judgeLabel(more ? i : j)} takes the response with more of `, h("b", {}, study.propertyLabel(clear.p)), ` in ${more ? clear.hits : clear.n - clear.hits} of the ${clear.n} that differ in it; a plain `, term("count", "winshare"), "."];
  }
  const best = sorted(inside, "apart", i, g, 0).slice(0, 10);
  result.nodes = [h("h3", {}, "The pairs on which they part"), goesBy(inside, i, `What ${study.judgeLabel(i)} takes on these ${count(inside.length)} pairs; ${study.judgeLabel(j)} takes the opposite`),
    h("p", {}, h("a", { href: to.pairs({ agree: "parted", sort: "apart", other: study.judges[j].name }), id: "all-parted" }, `All ${count(inside.length)} pairs, with filters`)), await pairList(best, i, g, clear?.p)];
  return result;
}
