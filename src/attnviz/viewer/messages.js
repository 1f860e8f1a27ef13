/**
 * Messages of attention weights that wait for a viewer. The components of a page share nothing but the page itself, so
 * this lies in it: what each message holds, by the `of` of its header.
 */

import { addWeights, blockOf, opened } from "./weights.js";

function board() {
  globalThis.attnvizMessages ??= { kept: new Map(), waiting: new Set() };
  return globalThis.attnvizMessages;
}

/** Keeps a message until the function that is returned is called. @param {Uint8Array} bytes */
export function keep(bytes) {
  const { kept, waiting } = board();
  const entry = { bytes, of: null, blocks: [], small: [], released: false };
  opened(bytes).then(
    ({ header, blocks }) => {
      if (entry.released) return;
      entry.of = header.of ?? "";
      entry[header.small ? "small" : "blocks"] = blocks;
      if (!kept.has(entry.of)) kept.set(entry.of, new Set());
      kept.get(entry.of).add(entry);
      for (const told of waiting) told(entry.of, Boolean(header.small));
    },
    (error) => console.error("attnviz:", error),
  );
  return () => {
    entry.released = true;
    const same = kept.get(entry.of);
    same?.delete(entry);
    if (same && !same.size) kept.delete(entry.of);
  };
}

/** All blocks that are there now. @returns {import("./weights.js").Block[]} */
export function blocksOf(of) {
  return [...(board().kept.get(of) ?? [])].flatMap((entry) => entry.blocks);
}

/** A head of a long text as a thumbnail, where its weights have not come yet. */
export function smallOf(of, kind, layer, head) {
  const blocks = [...(board().kept.get(of) ?? [])].flatMap((entry) => entry.small);
  const block = blockOf(blocks, kind, layer);
  if (!block) return null;
  const cells = new Float32Array(block.queries * block.keys);
  addWeights(block, layer, head, 1, cells, new Float32Array(block.queries));
  return { rows: block.queries, columns: block.keys, cells };
}

/** The messages themselves, to be saved with a page. @returns {Uint8Array[]} */
export function bytesOf(of) {
  return [...(board().kept.get(of) ?? [])].map((entry) => entry.bytes);
}

/** Calls `told` with the `of` of each message that comes, and whether it holds thumbnails, until the function that is returned is called. */
export function listen(told) {
  board().waiting.add(told);
  return () => board().waiting.delete(told);
}

/** Bytes from base64 and back, for messages inside a saved page. */
export function fromBase64(text) {
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
