/**
 * Messages of attention weights that wait for a viewer. The components of a page share nothing but the page itself, so
 * this lies in it: what each message holds, by the `of` of its header.
 */

import { addWeights, blockOf, opened } from "./weights.js";

function board() {
  globalThis.attnvizMessages ??= { kept: new Map(), waiting: new Set() };
  return globalThis.attnvizMessages;
}

/**
 * Messages of one text that are open at once. Others are opened when their weights are wanted, and the longest unused are
 * closed: 30 layers of 512 tokens, three in a message, are 37 MB open and 11 MB as they came.
 */
const OPEN = 4;
const spare = []; // buffers of some that were closed

let clock = 0;

const entriesOf = (of) => [...(board().kept.get(of) ?? [])];
const hasLayer = ({ held }, kind, layer) => held.some((one) => one.kind === kind && one.first <= layer && layer < one.first + one.layers);

/** Keeps a message until the function that is returned is called. @param {Uint8Array} bytes */
export function keep(bytes) {
  const { kept } = board();
  const entry = { bytes, of: null, held: [], blocks: null, small: [], used: 0, opening: false, released: false };
  takeOut(entry);
  return () => {
    entry.released = true;
    const same = kept.get(entry.of);
    same?.delete(entry);
    if (same && !same.size) kept.delete(entry.of);
  };
}

/** Takes a message apart; one of a text that has others open already, when it is wanted. */
function takeOut(entry) {
  const { kept, waiting } = board();
  const again = entry.of !== null;
  const wanted = ({ of, small }) => again || Boolean(small) || !entriesOf(of ?? "").some((one) => one.blocks);
  entry.opening = true;
  opened(entry.bytes, wanted, spare).then(
    ({ header, blocks }) => {
      entry.opening = false;
      if (entry.released) return;
      entry.of = header.of ?? "";
      if (header.small) entry.small = blocks;
      else Object.assign(entry, { blocks, held: header.blocks });
      if (!kept.has(entry.of)) kept.set(entry.of, new Set());
      kept.get(entry.of).add(entry);
      for (const told of waiting) told(entry.of, Boolean(header.small), again);
      const there = entriesOf(entry.of).filter((one) => one.blocks).sort((a, b) => b.used - a.used);
      for (const one of there.slice(OPEN)) {
        spare.push(one.blocks[0].levels.buffer);
        one.blocks = null;
      }
      spare.splice(0, spare.length - 2);
    },
    (error) => console.error("attnviz:", error),
  );
}

/** Whether any weights have come. */
export function begun(of) {
  return entriesOf(of).some((entry) => entry.held.length > 0);
}

/** Whether the weights of a layer have come. */
export function holds(of, kind, layer) {
  return entriesOf(of).some((entry) => hasLayer(entry, kind, layer));
}

/**
 * The block that holds a layer; null where it has not come, or is closed: then it is opened, and listeners are told.
 * @returns {import("./weights.js").Block | null}
 */
export function blockAt(of, kind, layer) {
  const entry = entriesOf(of).find((one) => hasLayer(one, kind, layer));
  if (!entry) return null;
  entry.used = clock += 1;
  if (!entry.blocks && !entry.opening) takeOut(entry);
  return entry.blocks ? blockOf(entry.blocks, kind, layer) : null;
}

/** A head of a long text as a thumbnail, where its weights have not come yet. */
export function smallOf(of, kind, layer, head) {
  const block = blockOf(entriesOf(of).flatMap((entry) => entry.small), kind, layer);
  if (!block) return null;
  const cells = new Float32Array(block.queries * block.keys);
  addWeights(block, layer, head, 1, cells, new Float32Array(block.queries));
  return { rows: block.queries, columns: block.keys, cells };
}

/** The messages themselves, to be saved with a page. @returns {Uint8Array[]} */
export function bytesOf(of) {
  return entriesOf(of).map((entry) => entry.bytes);
}

/**
 * Calls `told` for each message that comes, until the function that is returned is called: with its `of`, whether it holds
 * thumbnails, and whether it had only been closed.
 */
export function listen(told) {
  board().waiting.add(told);
  return () => board().waiting.delete(told);
}

/** Bytes from base64 and back, for messages inside a saved page. */
export function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

export function toBase64(bytes) {
  let binary = "";
  for (let start = 0; start < bytes.length; start += 8192) binary += String.fromCharCode(...bytes.subarray(start, start + 8192));
  return btoa(binary);
}
