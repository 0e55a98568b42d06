"use strict";
// The data inside the page: chunks of gzip in base64, each decoded when it is first needed. Format: docs/explorer.md.

const KINDS = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };
const opened = new Map();

/** A chunk of the page: {document, and each array by its name}. */
function chunk(name) {
  if (!opened.has(name)) opened.set(name, openChunk(name));
  return opened.get(name);
}

async function openChunk(name) {
  const element = document.getElementById(`data-${name}`);
  if (!element) throw new Error(`the page holds no chunk ${name}`);
  const bytes = fromBase64(element.textContent);
  element.remove(); // the text is not needed any more
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  for (const [key, entry] of Object.entries(header.arrays)) {
    arrays[key] = new KINDS[entry.type](buffer, entry.offset, entry.length);
  }
  return { document: header.document, ...arrays };
}

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = binary.charCodeAt(k);
  return bytes;
}

/** The study: names in the order of all arrays, and what is asked of them. */
class Study {
  constructor(core) {
    const { document: about } = core;
    this.core = core;
    this.about = about;
    this.title = about.study.title;
    for (const [axis, short] of [["judges", "J"], ["groups", "G"], ["properties", "P"]]) {
      this[axis] = about[axis];
      this[`n${short}`] = about[axis].length;
      this[`${axis}At`] = new Map(about[axis].map((entry, k) => [entry.name, k]));
    }
    this.hasPairs = about.pairs !== null;
    this.hasTexts = this.hasPairs && about.pairs.texts;
    this.twins = repeated(this.judges.map((judge) => judge.label));
    this.human = this.judgesAt.get(about.study.human) ?? -1;
  }

  judgeLabel(j) {
    const { label, name } = this.judges[j];
    return visible(this.twins.has(label) ? `${label} (${name})` : label);
  }

  propertyLabel(p) { return visible(this.properties[p].label); }
  groupLabel(g) { return visible(this.groups[g].label); }
  isControl(j) { return this.judges[j].kind === "rule"; }

  /** Effect of a property on a judge in a group; null where there was no fit. */
  effect(j, g, p) {
    const core = this.core, at = (j * this.nG + g) * this.nP + p;
    if (core.effect_word[at] === 255) return null;
    const word = this.about.words[core.effect_word[at]];
    return {
      mean: core.effect_mean[at], degree: core.effect_degree[at], low: core.effect_low[at], high: core.effect_high[at],
      word, unsure: word === "not distinguishable", told: word === "rewards" || word === "penalises",
    };
  }

  fitted(j, g) { return this.nP > 0 && this.effect(j, g, 0) !== null; }
  fitPairs(j, g) { return this.core.effect_pairs[j * this.nG + g]; }

  /** Why a judge has no fit in a group. */
  skipped(j, g) {
    return this.about.skipped.find((row) => row[0] === j && row[1] === g)?.[2] ?? "no fit in this group";
  }

  pairOfJudges(i, j) {
    const [a, b] = i < j ? [i, j] : [j, i];
    return (a * (2 * this.nJ - a - 1)) / 2 + (b - a - 1);
  }

  /** Similarity of two judges with its interval: [value, low, high]. */
  similarity(metric, g, i, j) {
    const m = this.about.metrics.indexOf(metric), pairs = (this.nJ * (this.nJ - 1)) / 2;
    const at = ((m * this.nG + g) * pairs + this.pairOfJudges(i, j)) * 3;
    return this.core.similarity.subarray(at, at + 3);
  }

  /** Other judges, the most similar first; those whose similarity is undefined are left out. */
  nearest(j, g, metric = "pearson") {
    const rows = [];
    for (let other = 0; other < this.nJ; other++) {
      if (other === j) continue;
      const [value, low, high] = this.similarity(metric, g, j, other);
      if (Number.isFinite(value)) rows.push({ judge: other, value, low, high });
    }
    return rows.sort((one, two) => two.value - one.value);
  }

  /** Quality of a fit: held-out accuracy, that of the majority, that of length. */
  quality(j, g) {
    const at = (j * this.nG + g) * 3;
    return this.core.quality ? this.core.quality.subarray(at, at + 3) : null;
  }

  /** Measures of the datasheet: {measure, value, low, high}. */
  datasheet(j, g) {
    const n = this.about.measures.length;
    return this.about.measures.map((measure, m) => {
      const at = ((j * this.nG + g) * n + m) * 3;
      const [value, low, high] = this.core.datasheet.subarray(at, at + 3);
      return { measure, value, low, high };
    }).filter((row) => Number.isFinite(row.value));
  }

  /** Difference of two judges in a property; null where one of them has no fit. */
  async differences(i, j, g) {
    const chunkOf = await chunk("differences"), { words, scale, missing } = chunkOf.document;
    const sign = i < j ? 1 : -1, rows = [];
    for (let p = 0; p < this.nP; p++) {
      const at = (this.pairOfJudges(i, j) * this.nG + g) * this.nP + p;
      if (chunkOf.difference_word[at] === 255) continue;
      const [value, one, two] = [0, 1, 2].map((k) => {
        const stored = chunkOf.difference[at * 3 + k];
        return stored === missing ? NaN : (sign * stored) / scale;
      });
      const word = words[chunkOf.difference_word[at]];
      rows.push({ p, value, low: sign > 0 ? one : two, high: sign > 0 ? two : one, unsure: word === "not distinguishable",
        told: word.startsWith("first") });
    }
    return rows;
  }
}

function repeated(names) {
  const seen = new Set(), twice = new Set();
  for (const name of names) (seen.has(name) ? twice : seen).add(name);
  return twice;
}

/** Pairs: features, preferences, groups; from chunk `pairs`. */
class Pairs {
  constructor(study, found) {
    const { feature, ...others } = found;
    Object.assign(this, others);
    this.features = feature;
    this.study = study;
    this.ids = found.document.ids;
    this.n = this.ids.length;
    this.at = new Map(this.ids.map((id, k) => [id, k]));
    this.detailOf = new Int32Array(this.n).fill(-1);
    found.detailed.forEach((pair, k) => { this.detailOf[pair] = k; });
    this.scenarios = found.document.scenarios;
    this.models = found.document.models;
    this.votes = null;
    this.texts = new Array(this.n);
    this.haystack = null;
  }

  isIn(g, i) {
    const kind = this.study.groups[g].kind;
    return kind === "pooled" || kind === "overall" || this.member[g * this.n + i] === 1;
  }

  /** Positive where response A has more of the property; NaN where the pair leaves every fit. */
  feature(i, p) {
    const stored = this.features[i * this.study.nP + p];
    return stored === this.document.not_known ? NaN : stored / this.document.feature_scale;
  }

  /** 0 nothing, 1 A, 2 B, 3 tie. */
  verdict(j, i) { return this.preference[j * this.n + i]; }
  /** Preference for A between 0 and 1, orders and samples combined; NaN where there is none. */
  share(j, i) {
    const stored = this.p_a[j * this.n + i];
    return stored === 255 ? NaN : stored / this.document.share_scale;
  }

  /** How many judges prefer A, and B, per pair; without controls where there are other judges to count. */
  counts() {
    if (this.votes) return this.votes;
    const votes = new Uint16Array(this.n * 2), own = this.study.judges.filter((judge) => judge.kind !== "rule").length;
    for (let j = 0; j < this.study.nJ; j++) {
      if (own > 1 && this.study.isControl(j)) continue;
      for (let i = 0; i < this.n; i++) {
        const verdict = this.preference[j * this.n + i];
        if (verdict === 1) votes[2 * i]++;
        else if (verdict === 2) votes[2 * i + 1]++;
      }
    }
    return (this.votes = votes);
  }

  /** Texts of a pair; null where they were left out. */
  async text(i) {
    const detail = this.detailOf[i], { text_chunks: n, texts_at_once: size } = this.study.about.pairs;
    if (!n || detail < 0) return null;
    if (!this.texts[i]) await this.readTexts(Math.floor(detail / size));
    return this.texts[i];
  }

  async readTexts(k) {
    const { document: part } = await chunk(`texts-${k}`), size = this.study.about.pairs.texts_at_once;
    part.prompt.forEach((prompt, row) => {
      const pair = this.detailed[k * size + row];
      this.texts[pair] = {
        prompt, turns: part.turns[row], a: part.response_a[row], b: part.response_b[row], reference: part.reference[row],
        analysis: part.analysis[row], errors: part.errors[row],
      };
    });
    opened.set(`texts-${k}`, Promise.resolve({ document: part }));
  }

  /** All texts in lower case, one per pair, for searching. */
  async searchable() {
    if (this.haystack) return this.haystack;
    const n = this.study.about.pairs.text_chunks;
    for (let k = 0; k < n; k++) await this.readTexts(k);
    this.haystack = this.ids.map((id, i) => {
      const text = this.texts[i];
      return (text ? `${id}\n${text.prompt}\n${text.a}\n${text.b}` : id).toLowerCase();
    });
    return this.haystack;
  }
}
