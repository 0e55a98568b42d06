"use strict";
// One pair: texts side by side, ratings, answers of all judges, and what each property adds to the predicted preference.

async function renderPair() {
  await loadPairs();
  const i = pairs.at.get(state.pair);
  if (i === undefined) {
    return h("section", {}, h("h2", {}, "Pair"), h("div", { class: "empty" }, h("p", {}, state.pair ? `This study has no pair “${visible(state.pair)}”. ` : "No pair is chosen. ", h("a", { href: to.pairs() }, "Look at all pairs"))));
  }
  const [text, details] = await Promise.all([pairs.text(i), chunk("details")]), at = pairs.detailOf[i];
  const groups = study.groups.map((group, g) => g).filter((g) => ["scenario", "case", "defined"].includes(study.groups[g].kind) && pairs.isIn(g, i));
  const [a, b] = sidesOf(i);
  return h("section", {}, h("h2", {}, `Pair ${visible(pairs.ids[i])}`),
    h("ul", { class: "facts" }, pairs.scenario[i] >= 0 ? h("li", {}, h("span", { class: "soft" }, "scenario: "), h("b", {}, pairs.scenarios[pairs.scenario[i]])) : null,
      groups.length ? h("li", {}, h("span", { class: "soft" }, "groups: "), listed(groups.map((g) => study.groupLabel(g)))) : null,
      a + b ? h("li", {}, h("span", { class: "soft" }, "judges: "), h("b", {}, `${a} for A, ${b} for B`)) : null,
      h("li", {}, h("a", { href: to.pairs({ sort: state.sort }), id: "to-pairs" }, "all pairs"))),
    texts(i, text),
    h("div", { class: "columns even" }, h("div", {}, explanation(i)), h("div", {}, at >= 0 ? ratings(i, at, details) : null)),
    at >= 0 ? answers(i, at, details) : h("p", { class: "note" }, `Ratings and single answers of this pair were left out: ${count(study.about.pairs.n_detailed)} of ${count(pairs.n)} pairs, drawn at random, have them (explorer.max_pairs).`));
}

function texts(i, text) {
  if (!text) {
    return h("p", { class: "note" }, study.hasTexts ? `The texts of this pair were left out: ${count(study.about.pairs.n_detailed)} of ${count(pairs.n)} pairs, drawn at random, have them (explorer.max_pairs).`
      : "Prompts and responses were left out of this page (explorer.texts: false).");
  }
  const marked = state.diff === "on" ? differences(text.a, text.b) : null;
  const author = (code) => (code >= 0 ? h("span", { class: "soft" }, ` by ${visible(pairs.models[code])}`) : null);
  const card = (side, name, code) => h("div", { class: "card" }, h("h4", {}, h("span", { class: side }, name), author(code)),
    h("div", { class: "body", dir: "auto", tabindex: "0", role: "region", "aria-label": name }, marked ? marked[side === "side-a" ? 0 : 1] : textNodes(side === "side-a" ? text.a : text.b)));
  const notes = Object.entries(text.analysis).map(([name, entries]) => h("li", {}, h("span", { class: "soft" }, `${name}: `), textNodes(entries.join("; "))));
  return [
    h("div", { class: "card" }, h("h4", {}, "Query"), text.turns ? h("details", { class: "data" }, h("summary", {}, "Earlier turns"), h("div", { class: "body short", dir: "auto" }, textNodes(turnsText(text.turns)))) : null,
      h("div", { class: "body short", dir: "auto" }, textNodes(text.prompt)), notes.length ? h("ul", { class: "note" }, notes) : null,
      text.reference ? h("details", { class: "data", id: "reference" }, h("summary", {}, "Reference answer"), h("div", { class: "body short", dir: "auto" }, textNodes(text.reference))) : null),
    h("p", { class: "note" }, h("label", {}, h("input", { type: "checkbox", id: "diff", checked: state.diff === "on", onchange: (event) => go({ diff: event.target.checked ? "on" : "off" }) }), " mark words that only one response has: "),
      h("del", {}, "only in A"), " ", h("ins", {}, "only in B"), state.diff === "on" && !marked ? " (these two are too long and too different to be compared word by word)" : ""),
    h("div", { class: "texts" }, card("side-a", "Response A", pairs.model_a[i]), card("side-b", "Response B", pairs.model_b[i]))];
}

function turnsText(turns) {
  try {
    return JSON.parse(turns).map((turn) => `${turn.role}: ${turn.content}`).join("\n\n");
  } catch {
    return turns; // shown as it was stored
  }
}

/** Word-level differences as nodes for both sides; null where they would take too long. */
function differences(a, b) {
  const parts = Diff.diffWordsWithSpace(a, b, { timeout: 700 });
  if (!parts) return null;
  const side = (skipped, tag, flag) => parts.filter((part) => !part[skipped]).map((part) => (part[flag] ? h(tag, {}, textNodes(part.value)) : textNodes(part.value)));
  return [side("added", "del", "removed"), side("removed", "ins", "added")];
}

function explanation(i) {
  const j = chosen.judge(), g = explainingGroup(j, chosen.group(), i), judges = study.judgesAt.has(state.other) && chosen.other() !== j ? [j, chosen.other()] : [j];
  const scale = select("Scale", "scale", state.scale, [["log-odds", "log-odds"], ["probability", "probability"]], (value) => go({ scale: value }), state.scale === "probability" ? "shapley" : "logodds");
  return [h("h3", {}, "Why: what each property adds"), h("div", { class: "tools" }, scale), judges.map((judge) => oneExplanation(i, judge, judge === j ? g : explainingGroup(judge, chosen.group(), i)))];
}

function oneExplanation(i, j, g) {
  const name = h("a", { href: to.judge(j) }, study.judgeLabel(j)), verdict = pairs.verdict(j, i), said = decided(verdict) ? `it preferred ${VERDICT[verdict]}` : verdict === 3 ? "it left the pair undecided" : "it gave no preference";
  if (g < 0) return h("p", { class: "note" }, name, `: ${said}. It has no fit that explains this pair.`);
  const found = logOdds(j, g, i);
  if (!found) return h("p", { class: "note" }, name, `: ${said}. This pair left every fit, because a property could not be rated.`);
  const inProbability = state.scale === "probability", values = inProbability ? probabilityParts(found.terms) : found.terms, factor = inProbability ? 100 : 1;
  const parts = [...values].map((value, p) => ({ p, value: factor * value })).filter((part) => Math.abs(part.value) > 5e-3 * (inProbability ? 10 : 1)).sort((one, two) => Math.abs(two.value) - Math.abs(one.value))
    .map((part) => ({ ...part, key: study.properties[part.p].name, label: study.propertyLabel(part.p), href: to.property(part.p, j),
      tip: `${study.propertyLabel(part.p)}: ${signed(part.value, inProbability ? 1 : 2)}${inProbability ? " points" : ""} towards ${part.value > 0 ? "A" : "B"}; ${pairs.feature(i, part.p) > 0 ? "A" : "B"} has more of it` }));
  const chance = sigmoid(found.sum), sentence = [name, `: the fit gives A ${percent(chance)}; ${said}. Effects of ${study.groupLabel(g)}.`];
  offer(`contributions ${pairs.ids[i]} ${study.judges[j].label}`, ["property", "log-odds", "probability"], [...found.terms].map((value, p) => [study.properties[p].label, value, probabilityParts(found.terms)[p]]).filter((row) => row[1]));
  if (!parts.length) return h("p", {}, sentence, " No property in which the responses differ counts for it.");
  return [h("p", {}, sentence), figure(waterfall(parts, { width: widthOf(0.5), title: inProbability ? "points of probability" : "log-odds", sum: `all: A ${percent(chance)}`, format: (value) => signed(value, inProbability ? 1 : 2) }),
    `What each property adds, ${study.judgeLabel(j)}`, [term("Contributions", inProbability ? "shapley" : "contribution"), inProbability ? " to the probability of A, from even (50 %)." : " to the log-odds of A, from even (0).", " Filled: towards A; outlined: towards B. No intervals."])];
}

function ratings(i, at, details) {
  const rows = study.properties.map((property, p) => ({ p, property, feature: pairs.feature(i, p), state: details.document.states[details.state[at * study.nP + p]],
    a: details.score[(at * study.nP + p) * 2], b: details.score[(at * study.nP + p) * 2 + 1], by: details.document.suppliers[p] })).filter((row) => row.state !== "not rated" || row.feature);
  const errors = details.document.errors[at] ?? [];
  const score = (value, row) => (row.state === "not_applicable" ? "n/a" : row.state === "failed" ? "failed" : number(value, Number.isInteger(value) ? 0 : 2));
  return [h("h3", {}, "Ratings"), h("div", { class: "tall" }, table("Ratings of both responses, and which one has more", [
    { name: "property", why: "property", of: (row) => h("a", { href: to.property(row.p), "data-tip": visible(row.property.definition) }, study.propertyLabel(row.p)) },
    { name: "A", n: true, of: (row) => score(row.a, row) }, { name: "B", n: true, of: (row) => score(row.b, row) },
    { name: "more", of: (row) => (row.feature > 0 ? h("span", { class: "side-a" }, "A") : row.feature < 0 ? h("span", { class: "side-b" }, "B") : Number.isNaN(row.feature) ? "–" : "=") },
    { name: "rated by", of: (row) => row.by ?? "" },
  ], rows, { unsure: (row) => !row.feature })), errorList(i, errors)];
}

function errorList(i, errors) {
  if (!errors.length) return null;
  const told = pairs.texts[i]?.errors ?? [];
  return [h("h3", {}, "Errors found"), h("ul", {}, errors.map(([response, severity], k) => h("li", {}, h("span", { class: `side-${response}` }, response.toUpperCase()), `, ${severity}`,
    told[k] ? [": ", textNodes([told[k][0], told[k][1]].filter(Boolean).join(": "))] : null)))];
}

function answers(i, at, details) {
  const { logp_judges: scored, logp_scale: unit, no_logp: none, verdicts, samples } = details.document, place = new Map(scored.map((name, k) => [name, k]));
  const logp = (j, order, side) => {
    const k = place.get(study.judges[j].name), stored = k === undefined ? none : details.logp[((k * pairs.detailed.length + at) * 3 + order) * 2 + side];
    return stored === none ? NaN : stored / unit;
  };
  const code = (j, order) => verdicts[details.verdict[(j * pairs.detailed.length + at) * 3 + order]];
  const shownVerdict = { a: "A", b: "B", tie: "tie", "": "" }, verdictOf = (j, order) => shownVerdict[code(j, order)] ?? code(j, order).replaceAll("_", " ");
  const rows = study.judges.map((_, j) => ({ j, share: pairs.share(j, i), verdict: pairs.verdict(j, i) })).filter(({ j, verdict }) => verdict || [0, 1, 2].some((order) => code(j, order)))
    .sort((one, two) => (two.share || 0) - (one.share || 0));
  const any = (test) => rows.some(({ j }) => test(j)), bothOrders = any((j) => code(j, 0) || code(j, 1)), scoredAny = any((j) => Number.isFinite(logp(j, 0, 0)) || Number.isFinite(logp(j, 1, 0)) || Number.isFinite(logp(j, 2, 0)));
  const scores = (order, name) => ({ name, why: "logp", n: true, of: ({ j }) => (Number.isFinite(logp(j, order, 0)) ? `${number(logp(j, order, 0), 2)} / ${number(logp(j, order, 1), 2)}` : "–") });
  const rated = new Map(details.document.rating_judges.map((name, k) => [name, k]));
  const rating = ({ j }) => {
    const k = rated.get(study.judges[j].name);
    if (k === undefined) return "–";
    const one = (side) => { const values = [0, 1, 2].map((order) => details.judge_rating[((k * pairs.detailed.length + at) * 3 + order) * 2 + side]).filter(Number.isFinite); return values.length ? values.reduce((x, y) => x + y) / values.length : NaN; };
    return `${number(one(0), 2)} / ${number(one(1), 2)}`;
  };
  const looked = new Set([chosen.judge(), ...(study.judgesAt.has(state.other) ? [chosen.other()] : [])]); // they come first
  rows.sort((one, two) => looked.has(two.j) - looked.has(one.j));
  offer(`answers ${pairs.ids[i]}`, ["judge", "preference", "share for A", "verdict A first", "verdict B first", "verdict", "logp A (A first)", "logp B (A first)", "logp A (B first)", "logp B (B first)"],
    rows.map(({ j, share, verdict }) => [study.judges[j].label, VERDICT[verdict], share, code(j, 0), code(j, 1), code(j, 2), logp(j, 0, 0), logp(j, 0, 1), logp(j, 1, 0), logp(j, 1, 1)]));
  return [h("h3", {}, "What every judge said"), h("div", { class: "tall" }, table("The judges that are looked at, then those most for A first", [
    { name: "judge", of: ({ j }) => [h(looked.has(j) ? "b" : "span", {}, h("a", { href: to.judge(j) }, study.judgeLabel(j))), study.isControl(j) ? " ◆" : "", samples[study.judges[j].name] ? ` (${samples[study.judges[j].name]} answers)` : ""] },
    { name: "prefers", of: ({ verdict }) => h("span", { class: ["", "side-a", "side-b", ""][verdict] }, VERDICT[verdict]) },
    { name: "preference for A", why: "margin", n: true, of: ({ share }) => percent(share) },
    ...(bothOrders ? [{ name: "A first", why: "orders", of: ({ j }) => verdictOf(j, 0) || "–" }, { name: "B first", why: "orders", of: ({ j }) => verdictOf(j, 1) || "–" }] : []),
    ...(scoredAny ? [scores(0, "log p of A / B, A first"), scores(1, "log p of A / B, B first"), ...(any((j) => Number.isFinite(logp(j, 2, 0))) ? [scores(2, "log p of A / B, no order")] : [])] : []),
    ...(rated.size ? [{ name: "rating of A / B", n: true, of: rating }] : []),
    { name: "differs from fit", of: ({ j, verdict }) => unlikely(i, j, verdict) },
  ], rows))];
}

/** Whether a judge's preference goes against what its fit predicts. */
function unlikely(i, j, verdict) {
  const g = explainingGroup(j, chosen.group(), i), found = g < 0 || !decided(verdict) ? null : logOdds(j, g, i);
  return found && found.sum && (found.sum > 0) !== (verdict === 1) ? `yes (the fit gives A ${percent(sigmoid(found.sum))})` : "";
}
