/**
 * Attention weights in the browser: messages taken apart (packing.py says how they are made), and one head, or several, as
 * it should be drawn. No DOM here.
 *
 * @typedef {object} Block  weights of consecutive layers of one kind
 * @property {string} kind @property {number} first @property {number} layers @property {number} heads
 * @property {number} queries @property {number} keys @property {boolean} causal @property {number[]} exact
 * @property {boolean} fine  whether what is computed from several weights is right to a whole per cent
 * @property {Float32Array} step  what one level is worth in each row @property {Float32Array} sums @property {Float32Array} kept
 * @property {Uint8Array} levels @property {Int8Array} finer  256ths of a level
 * @property {Uint32Array} starts  of the corrections of each head, and their end @property {Uint32Array} places  in the head
 * @property {Uint8Array} sides
 *
 * @typedef {object} Axis  the tokens of one text
 * @property {string[]} labels  told apart @property {boolean[]} rtl @property {boolean[]} special @property {number[]} segments
 * @property {number[][]} words  the tokens of each word @property {string[]} wordLabels
 *
 * @typedef {object} View  a matrix as it is drawn
 * @property {number} rows @property {number} columns @property {Float32Array} weights
 * @property {boolean} fine  see Block @property {boolean} exact  whether each weight is right when it is said in whole per cent
 * @property {Float32Array} hidden  of each row the share that lies on hidden keys
 * @property {number[][]} queries  the tokens of each row @property {number[][]} keys
 * @property {string[]} queryLabels @property {string[]} keyLabels @property {boolean[]} queryRtl @property {boolean[]} keyRtl
 */

/**
 * A message as it came, compressed, taken apart. Piece by piece into one buffer, whose length stands at the end: a long
 * text would else be there twice for a while.
 * @param {Uint8Array} bytes @param {(header: any) => boolean} wanted  whether to go on when the header has been read
 * @param {ArrayBuffer[]} spare  buffers that nobody needs: one that is large enough is taken out
 * @returns {Promise<{header: any, blocks: Block[] | null}>}  the header with its field `blocks`; no blocks if not wanted
 */
export async function opened(bytes, wanted = () => true, spare = []) {
  const size = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4).getUint32(0, true);
  const stream = new DecompressionStream("gzip");
  const writer = stream.writable.getWriter();
  const sent = Promise.all([writer.write(bytes), writer.close()]);
  sent.catch(() => {}); // a reader that has seen enough lets it fail
  const reader = stream.readable.getReader();
  let [start, header, whole] = [new Uint8Array(), null, null];
  let at = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    if (whole) whole.set(piece.value, at);
    else {
      start = joined(start, piece.value);
      header = headerOf(start);
      if (header && !wanted(header)) {
        reader.cancel().catch(() => {});
        return { header, blocks: null };
      }
      if (header) {
        const place = spare.findIndex((one) => one.byteLength >= size);
        whole = new Uint8Array(place < 0 ? new ArrayBuffer(size) : spare.splice(place, 1)[0]);
        whole.set(start);
      }
    }
    at += piece.value.length;
  }
  await sent;
  return takenApart((whole ?? start).buffer);
}

function joined(before, after) {
  if (!before.length) return after;
  const both = new Uint8Array(before.length + after.length);
  both.set(before);
  both.set(after, before.length);
  return both;
}

/** The header of a message whose beginning is there; null while it is not all of it. @param {Uint8Array} start */
function headerOf(start) {
  if (start.length < 8) return null;
  const data = new DataView(start.buffer, start.byteOffset);
  if (data.getUint32(0) !== 0x41565732) throw new Error("not an attention message of version 2");
  const length = data.getUint32(4, true);
  return start.length < 8 + length ? null : JSON.parse(new TextDecoder().decode(start.subarray(8, 8 + length)));
}

/** @param {ArrayBuffer} buffer @returns {{header: any, blocks: Block[]}} */
export function takenApart(buffer) {
  const header = headerOf(new Uint8Array(buffer));
  if (!header) throw new Error("an attention message that ends too early");
  let at = 8 + new DataView(buffer).getUint32(4, true);
  const read = (Kind, count) => {
    const found = new Kind(buffer, at, count);
    at += Math.ceil(found.byteLength / 4) * 4;
    return found;
  };
  return {
    header,
    blocks: header.blocks.map((facts) => {
      const heads = facts.layers * facts.heads;
      const rows = heads * facts.queries;
      const sent = heads * (facts.causal ? (facts.queries * (facts.queries + 1)) / 2 : facts.queries * facts.keys);
      const numbers = (count) => (facts.fine ? read(Float32Array, count) : scaled(read(Uint16Array, count), 1));
      const step = scaled(read(Uint16Array, rows), 255);
      const sums = numbers(rows);
      const kept = numbers(rows * facts.exact.length);
      const levels = read(Uint8Array, sent);
      const finer = read(Int8Array, facts.fine ? sent : 0);
      return { ...facts, step, sums, kept, levels, finer, ...corrections(read(Uint32Array, heads), read(Uint8Array, facts.gaps), read) };
    }),
  };
}

/** What u16 stand for, a `part` of it. Without a function for each, which would leave many times the room behind as waste. */
function scaled(logarithms, part) {
  const numbers = new Float32Array(logarithms.length);
  for (let index = 0; index < numbers.length; index += 1) {
    const u = logarithms[index];
    numbers[index] = u === 65535 ? 0 : Math.fround(2 ** (-u / 2048)) / part;
  }
  return numbers;
}

/** Which weights of each head would be said wrong by a whole per cent, and on which side of the nearest half they lie. */
function corrections(counts, gaps, read) {
  const starts = new Uint32Array(counts.length + 1);
  for (let head = 0; head < counts.length; head += 1) starts[head + 1] = starts[head] + counts[head];
  const places = new Uint32Array(starts.at(-1));
  const bits = read(Uint8Array, Math.ceil(places.length / 8));
  const sides = new Uint8Array(places.length);
  let at = 0;
  for (let head = 0; head < counts.length; head += 1) {
    let place = 0;
    for (let index = starts[head]; index < starts[head + 1]; index += 1) {
      while (gaps[at] === 255) {
        place += 255;
        at += 1;
      }
      place += gaps[at];
      at += 1;
      places[index] = place;
      sides[index] = (bits[index >> 3] >> (index & 7)) & 1;
    }
  }
  return { starts, places, sides };
}

/** The block that holds a layer. @param {Block[]} blocks */
export function blockOf(blocks, kind, layer) {
  return blocks.find((block) => block.kind === kind && block.first <= layer && layer < block.first + block.layers);
}

const BESIDE = 2e-7; // how far from half a per cent a corrected weight is put

/** Adds the weights (query, key) of one head, times `factor`, to `into`; and the sum of each row to `totals`. */
export function addWeights(block, layer, head, factor, into, totals) {
  const { queries, keys, exact, fine, levels, finer, places } = block;
  const own = (layer - block.first) * block.heads + head;
  const sent = block.causal ? (queries * (queries + 1)) / 2 : queries * keys;
  const began = own * sent;
  let from = began;
  let correction = block.starts[own];
  const end = block.starts[own + 1];
  for (let query = 0; query < queries; query += 1) {
    const row = own * queries + query;
    const step = block.step[row];
    const count = block.causal ? query + 1 : keys;
    const start = query * keys;
    if (fine) for (let key = 0; key < count; key += 1) into[start + key] += (levels[from + key] + finer[from + key] / 256) * step * factor;
    else {
      const worth = step * factor;
      for (let key = 0; key < count; key += 1) into[start + key] += levels[from + key] * worth;
    }
    let total = block.sums[row];
    for (let index = 0; index < exact.length; index += 1) {
      const weight = block.kept[row * exact.length + index];
      into[start + exact[index]] += weight * factor;
      total += weight;
    }
    for (; correction < end && began + places[correction] < from + count; correction += 1) {
      const key = began + places[correction] - from;
      const resting = exact.indexOf(key);
      const level = levels[from + key] + (fine ? finer[from + key] / 256 : 0);
      const read = resting < 0 ? level * step : block.kept[row * exact.length + resting];
      const right = (Math.floor(100 * read) + 0.5) / 100 + (block.sides[correction] ? BESIDE : -BESIDE);
      into[start + key] += (right - read) * factor;
    }
    from += count;
    totals[query] += total * factor;
  }
}

const groupings = new WeakMap();

/** The tokens of each row or column, those that are shown, and their labels; the same arrays each time. */
function grouped(axis, { first = false, special = false, merge = false }) {
  if (!groupings.has(axis)) groupings.set(axis, new Map());
  const known = groupings.get(axis);
  const name = `${first} ${special} ${merge}`;
  if (!known.has(name)) {
    const groups = merge ? axis.words : axis.labels.map((_, index) => [index]);
    const labels = merge ? axis.wordLabels : axis.labels;
    const hides = (token) => (first && token === 0) || (special && axis.special[token]);
    const shown = groups.flatMap((group, index) => (group.some(hides) ? [] : [index]));
    known.set(name, {
      groups,
      shown,
      gone: groups.flatMap((group) => (group.some(hides) ? group : [])),
      tokens: shown.map((group) => groups[group]),
      labels: shown.map((group) => labels[group]),
      rtl: shown.map((group) => axis.rtl[groups[group][0]]),
    });
  }
  return known.get(name);
}

/**
 * One head, or the mean of several, as it should be drawn: words merged first (to a word the sum, from a word the mean),
 * then tokens hidden and rows scaled to their sum again, then weights below `least` left out.
 * @param {Block} block @param {number[]} heads @param {Axis} asking @param {Axis} answering
 * @param {{first?: boolean, special?: boolean, merge?: boolean, least?: number}} options
 * @returns {View | null}  null where all is hidden
 */
export function viewOf(block, layer, heads, asking, answering, options) {
  const { queries, keys } = block;
  let weights = new Float32Array(queries * keys);
  const totals = new Float32Array(queries);
  for (const head of heads) addWeights(block, layer, head, 1 / heads.length, weights, totals);
  const left = grouped(asking, options);
  const right = grouped(answering, options);
  const [rows, columns] = [left.shown, right.shown];
  if (!rows.length || !columns.length) return null;
  const hidden = new Float32Array(rows.length);
  if (options.merge || rows.length < left.groups.length || columns.length < right.groups.length) {
    const result = new Float32Array(rows.length * columns.length);
    const whole = columns.length === right.groups.length;
    const { gone } = right;
    rows.forEach((group, row) => {
      const tokens = left.groups[group];
      let total = 0;
      let shown = 0;
      for (const token of tokens) {
        const start = token * keys;
        columns.forEach((column, place) => {
          for (const key of right.groups[column]) result[row * columns.length + place] += weights[start + key];
        });
        total += totals[token];
        shown += Math.max(0, leftOf(block, layer, heads, token, gone, weights));
      }
      const scale = whole ? 1 / tokens.length : shown > 1e-9 ? total / tokens.length / shown : 0;
      for (let place = 0; place < columns.length; place += 1) result[row * columns.length + place] *= scale;
      hidden[row] = whole || total <= 0 ? 0 : Math.min(1, Math.max(0, 1 - shown / total));
    });
    weights = result;
  }
  const least = options.least ?? 0;
  if (least) for (let cell = 0; cell < weights.length; cell += 1) if (weights[cell] < least) weights[cell] = 0;
  return {
    rows: rows.length,
    columns: columns.length,
    weights,
    fine: block.fine,
    exact: block.fine || (heads.length === 1 && !options.merge && columns.length === right.groups.length),
    hidden,
    queries: left.tokens,
    keys: right.tokens,
    queryLabels: left.labels,
    keyLabels: right.labels,
    queryRtl: left.rtl,
    keyRtl: right.rtl,
  };
}

/** What a row gives to keys that are not hidden: its sum outside the exact keys, and those of them that are shown. */
function leftOf(block, layer, heads, query, gone, weights) {
  let rest = 0;
  for (const head of heads) {
    const row = ((layer - block.first) * block.heads + head) * block.queries + query;
    rest += block.sums[row] / heads.length;
  }
  for (const key of block.exact) if (!gone.includes(key)) rest += weights[query * block.keys + key];
  for (const key of gone) if (!block.exact.includes(key)) rest -= weights[query * block.keys + key];
  return rest;
}

/** The row of a view that a token is in, or -1. @param {View} view */
export function rowOf(view, token) {
  return view.queries.findIndex((group) => group.includes(token));
}

/** The columns that a row looks at most, strongest first: at most `most`, of at least `least`, always one where there is any. */
export function strongest(view, row, most = 3, least = 0.03) {
  const weights = view.weights.subarray(row * view.columns, (row + 1) * view.columns);
  const order = [];
  for (let column = 0; column < weights.length; column += 1) if (weights[column] > 0) order.push(column);
  order.sort((a, b) => weights[b] - weights[a] || a - b);
  const found = order.slice(0, most).filter((column) => weights[column] >= least);
  return found.length ? found : order.slice(0, 1);
}

/**
 * The columns of a row that are drawn as lines: the strongest down to `mass` of its weight, none below `least`.
 * @returns {{ columns: number[], drawn: number, total: number }}  with the weight that is drawn and all there is
 */
export function linesOf(view, row, mass = 1, least = 0.03) {
  const start = row * view.columns;
  const found = [];
  let total = 0;
  for (let column = 0; column < view.columns; column += 1) {
    total += view.weights[start + column];
    if (view.weights[start + column] >= least) found.push(column);
  }
  found.sort((a, b) => view.weights[start + b] - view.weights[start + a] || a - b);
  const columns = [];
  let drawn = 0;
  for (const column of found) {
    if (drawn >= mass * total - 1e-6) break;
    columns.push(column);
    drawn += view.weights[start + column];
  }
  return { columns, drawn, total };
}

/**
 * The cells of all rows that are drawn as lines (see linesOf), in their order; of more than `most` the strongest.
 * @returns {{ cells: Uint32Array, count: number }}  with the number of all lines
 */
export function everyLine(view, mass = 1, least = 0.03, most = Infinity) {
  const { rows, columns, weights } = view;
  let cells = new Uint32Array(4096);
  let count = 0;
  const take = (cell) => {
    if (count === cells.length) {
      const more = new Uint32Array(2 * count);
      more.set(cells);
      cells = more;
    }
    cells[count] = cell;
    count += 1;
  };
  if (mass < 1) for (let row = 0; row < rows; row += 1) for (const column of linesOf(view, row, mass, least).columns) take(row * columns + column);
  else for (let cell = 0; cell < rows * columns; cell += 1) if (weights[cell] >= least) take(cell);
  cells = cells.subarray(0, count);
  if (count <= most) return { cells: cells.slice(), count };
  const order = new Float32Array(count);
  for (let one = 0; one < count; one += 1) order[one] = weights[cells[one]];
  const last = order.sort()[count - most];
  let equal = most; // so many of those as weak as the last find room
  for (let one = count - 1; order[one] > last; one -= 1) equal -= 1;
  const strongest = new Uint32Array(most);
  let found = 0;
  for (let one = 0; one < count; one += 1) {
    const weight = weights[cells[one]];
    if (weight < last || (weight === last && (equal -= 1) < 0)) continue;
    strongest[found] = cells[one];
    found += 1;
  }
  return { cells: strongest, count };
}

/** Where a head looks over the whole text: the mean weight on the token itself, the one before, the one after, the first. */
export function patternOf(block, layer, head) {
  const { queries, keys } = block;
  if (queries < 2 || keys < 2 || queries !== keys) return null;
  const weights = new Float32Array(queries * keys);
  addWeights(block, layer, head, 1, weights, new Float32Array(queries));
  const mean = (from, to, key) => {
    let sum = 0;
    for (let query = from; query < to; query += 1) sum += weights[query * keys + key(query)];
    return sum / (to - from);
  };
  const shares = [
    ["the token itself", mean(1, queries, (query) => query)],
    ["the token before", mean(1, queries, (query) => query - 1)],
    ["the first token", mean(1, queries, () => 0)],
  ];
  if (!block.causal) shares.push(["the token after", mean(0, queries - 1, (query) => query + 1)]);
  return shares.sort((a, b) => b[1] - a[1])[0];
}

/** A matrix of at most `most` cells a side, the largest weight of neighbouring cells: a mean would wipe out thin lines. */
export function pooled(weights, rows, columns, most) {
  const [down, across] = [Math.min(rows, most), Math.min(columns, most)];
  if (down === rows && across === columns) return { rows, columns, cells: weights };
  const cells = new Float32Array(down * across);
  const place = Uint16Array.from({ length: columns }, (_, column) => Math.floor((column * across) / columns));
  for (let row = 0; row < rows; row += 1) {
    const start = Math.floor((row * down) / rows) * across;
    const from = row * columns;
    for (let column = 0; column < columns; column += 1) {
      const weight = weights[from + column];
      if (weight > cells[start + place[column]]) cells[start + place[column]] = weight;
    }
  }
  return { rows: down, columns: across, cells };
}

// Colours --------------------------------------------------------------------------------------------------------------

/** Where a weight stands on the palette, 0 to 255. @param {"" | "linear" | "root" | "row"} scale @param {number} largest  of the row */
export function placeOf(weight, scale, largest) {
  const share = scale === "row" ? (largest > 0 ? weight / largest : 0) : weight;
  const power = { linear: 1, root: 0.5 }[scale] ?? 0.6;
  return Math.round(255 * Math.min(1, Math.max(0, share)) ** power);
}

/** The places of all weights of a view, in `places`. @returns {Uint8Array} */
export function placesOf(weights, rows, columns, scale, places = new Uint8Array(rows * columns)) {
  return looked(weights, rows, columns, scale, curveOf(scale), places);
}

/** The places of 4096 weights from 0 to 1, at equal steps. */
export function curveOf(scale) {
  const power = { linear: 1, root: 0.5 }[scale] ?? 0.6;
  return (CURVES[power] ??= curve(power));
}

/** What stands in a table of 4096 entries for each weight of a view, put into `found`. */
export function looked(weights, rows, columns, scale, table, found) {
  for (let row = 0; row < rows; row += 1) {
    const [start, end] = [row * columns, (row + 1) * columns];
    let steps = 4095;
    if (scale === "row") {
      let largest = 0;
      for (let cell = start; cell < end; cell += 1) largest = Math.max(largest, weights[cell]);
      steps = largest > 0 ? 4095 / largest : 0;
    }
    for (let cell = start; cell < end; cell += 1) found[cell] = table[Math.min(4095, weights[cell] * steps + 0.5) | 0];
  }
  return found;
}

const CURVES = {};

function curve(power) {
  const places = new Uint8Array(4096);
  for (let step = 0; step < 4096; step += 1) places[step] = Math.round(255 * (step / 4095) ** power);
  return places;
}
