"use strict";
// Contributions of properties to the preference that a fit predicts; the method of prefdissect.regression.contributions.

const sigmoid = (z) => 1 / (1 + Math.exp(-z));

/** Terms alpha times feature of one pair for one judge and group, and their sum. */
function logOdds(j, g, i) {
  const terms = new Float64Array(study.nP), start = (j * study.nG + g) * study.nP;
  let sum = 0;
  for (let p = 0; p < study.nP; p++) {
    const feature = pairs.feature(i, p);
    if (Number.isNaN(feature)) return null;
    terms[p] = study.core.effect_mean[start + p] * feature;
    sum += terms[p];
  }
  return { terms, sum };
}

/** Shapley values of sigmoid(sum of terms) relative to 1/2. */
function probabilityParts(terms) {
  const players = terms.map((_, k) => k).filter((k) => terms[k] !== 0), m = players.length;
  const result = new Float64Array(terms.length);
  if (!m) return result;
  const reach = players.reduce((sum, k) => sum + Math.abs(terms[k]), 0), total = players.reduce((sum, k) => sum + terms[k], 0);
  const step = (2 * Math.PI) / (30 + reach), points = Math.ceil(30 / Math.PI / step);
  const inner = halfLegendre(m);
  for (let n = 0; n < points; n++) {
    const w = (n + 0.5) * step, outer = (step / Math.sinh(Math.PI * w)) * 2 * Math.cos((w * total) / 2);
    const cosine = players.map((k) => Math.cos((w * terms[k]) / 2)), sine = players.map((k) => Math.sin((w * terms[k]) / 2));
    for (const [u, weight] of inner) {
      let real = 1, imaginary = 0;
      for (let k = 0; k < m; k++) {
        [real, imaginary] = [real * cosine[k] - imaginary * u * sine[k], real * u * sine[k] + imaginary * cosine[k]];
      }
      for (let k = 0; k < m; k++) {
        const d = u * sine[k];
        result[players[k]] += (outer * sine[k] * weight * (real * cosine[k] + imaginary * d)) / (cosine[k] ** 2 + d * d);
      }
    }
  }
  return result;
}

/** Nodes and weights of Gauss-Legendre on [0, 1], from the positive half of an even rule on [-1, 1]. */
function halfLegendre(m) {
  const half = Math.floor((m + 1) / 2), n = half + (half % 2), found = [];
  for (let k = 0; k < n / 2; k++) {
    let x = Math.cos((Math.PI * (k + 0.75)) / (n + 0.5)), slope = 1;
    for (let step = 0; step < 50; step++) {
      let [p, before] = [1, 0];
      for (let degree = 1; degree <= n; degree++) [p, before] = [((2 * degree - 1) * x * p - (degree - 1) * before) / degree, p];
      slope = (n * (x * p - before)) / (x * x - 1);
      const move = p / slope;
      x -= move;
      if (Math.abs(move) < 1e-16) break;
    }
    found.push([x, 2 / ((1 - x * x) * slope * slope)]);
  }
  return found;
}

/** Group whose effects explain a pair: the one that is looked at, or the pair's scenario where that is a mean of scenarios. */
function explainingGroup(j, g, i) {
  if (study.groups[g].kind !== "overall" && study.fitted(j, g)) return g;
  const own = study.groups.findIndex((group, k) => group.kind === "scenario" && pairs.isIn(k, i) && study.fitted(j, k));
  return own >= 0 ? own : study.fitted(j, g) ? g : -1;
}

const sums = new Map();

/** Predicted log-odds of A of every pair by one judge's effects in one group; NaN where the pair left every fit. */
function predictedSums(j, g) {
  const key = j * study.nG + g;
  if (!sums.has(key)) {
    const found = new Float64Array(pairs.n), start = key * study.nP;
    for (let p = 0; p < study.nP; p++) {
      const mean = study.core.effect_mean[start + p];
      for (let i = 0; i < pairs.n; i++) found[i] += mean * pairs.feature(i, p);
    }
    sums.set(key, found);
  }
  return sums.get(key);
}

/** How far the predicted preference moves towards even when the pair does not differ in a property. */
function moved(j, g, p, i) {
  const own = explainingGroup(j, g, i);
  if (own < 0) return NaN;
  const sum = predictedSums(j, own)[i], term = study.core.effect_mean[(j * study.nG + own) * study.nP + p] * pairs.feature(i, p);
  return sigmoid(sum) - sigmoid(sum - term);
}
