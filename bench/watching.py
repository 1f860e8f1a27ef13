"""When a picture on a page looks different: seconds from the last key or click to the first such frame.

What is measured is hardly slowed down: in each frame the watched parts are looked for, which takes some 10 µs, and they
are read only when they are new or when something in them has moved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

LIMIT = 10_000
"""Milliseconds after which a press counts as one that changes nothing."""

_WATCH = """([at, limit]) => {
  const shadows = (root) => [...root.querySelectorAll('*')].filter((e) => e.shadowRoot).map((e) => e.shadowRoot);
  const inside = (root) => root.innerHTML + shadows(root).map(inside).join('');

  /** What a chart looks like: not the names that Plotly makes anew each time, nor what is said under the pointer. */
  const chart = (part) => {
    if (!part.querySelector('svg.main-svg :is(.trace, .hm, .im, .slice)')) return '';
    const names = [part._fullLayout._uid, ...part._fullData.map((trace) => trace.uid)];
    const pointed = part.querySelector('.hoverlayer')?.outerHTML ?? '';
    return names.reduce((text, name) => text.replaceAll(name, ''), part.innerHTML.replace(pointed, ''));
  };

  /** What a part looks like; '' while its chart or its picture is not drawn, or still waits for its numbers. */
  const look = (part) => {
    if (part.matches('.js-plotly-plot')) return chart(part);
    if (!part.matches('[class*=st-key-picture_]')) return inside(part);
    const ready = (root) => root.querySelector('.av-body > *') && !root.querySelector('.av-wait:not([hidden])');
    return shadows(part).filter(ready).map(inside).join('');  // around it Streamlit says whether it is old
  };

  const before = new Set();
  const drawn = new Set();
  let began = 0;
  let moved = false;
  const move = () => { moved = true; };
  const observer = new MutationObserver(move);
  const watch = (part) => {
    if (!part.matches('.js-plotly-plot')) {
      const all = { subtree: true, childList: true, attributes: true, characterData: true };
      for (const root of [part, ...shadows(part)]) observer.observe(root, all);
    } else if (!drawn.has(part)) part.on('plotly_afterplot', move);
    drawn.add(part);
  };

  const start = () => { began = performance.now(); };
  for (const event of ['keydown', 'click']) addEventListener(event, start, { capture: true });
  const end = () => {
    for (const event of ['keydown', 'click']) removeEventListener(event, start, { capture: true });
    for (const part of drawn) part.removeListener?.('plotly_afterplot', move);
    observer.disconnect();
  };

  window.attnvizChange = new Promise((done, fail) => {
    const opened = performance.now();
    const frame = () => {
      const now = performance.now();
      let different = false;
      for (const part of document.querySelectorAll(at)) {
        if (drawn.has(part) && !moved) continue;
        const content = look(part);
        if (!content) continue;
        watch(part);
        if (!began) before.add(content);
        else different ||= !before.has(content);
      }
      moved = false;
      if (!different && now - (began || opened) < limit) return requestAnimationFrame(frame);
      end();
      if (different) done((now - began) / 1000);
      else fail(new Error('nothing changed'));
    };
    frame();
  });
  window.attnvizChange.catch(() => {});  // whoever asks for it later is told
}"""

_CALM = """(frames) => new Promise((done) => {
  let calm = 0, last = 0;
  const frame = (now) => {
    const runs = document.querySelector('[data-testid=stApp]')?.dataset.testScriptState !== 'notRunning'
      || document.querySelector('[data-testid=stSkeleton], .av-waiting');
    if (runs) calm = 0;
    else if (now - last < 40) calm += 1;  // a long frame is one in which something was still drawn
    last = now;
    if (calm < frames) requestAnimationFrame(frame);
    else done(true);
  };
  requestAnimationFrame(frame);
})"""


def calm(page: Any, frames: int = 12) -> None:
    """Wait until no script runs and nothing is drawn any more, for a fifth of a second."""
    page.wait_for_function(_CALM, arg=frames, timeout=60_000)


def changed(page: Any, watch: str, move: Callable[[], None]) -> float:
    """Seconds from the last key or click of ``move`` to the first frame in which what is watched looks different.

    A chart or picture counts when it is drawn, not when its place is emptied or made.
    """
    page.evaluate(_WATCH, [watch, LIMIT])
    move()
    return float(page.evaluate("window.attnvizChange"))
