"""Heads of cross-attention switched off: chosen ones, each alone, all of them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.head_count import head_count
from app.lessons import Lesson
from app.selection import note
from app.translation import off
from app.translation.off import MOST_AT_ONCE
from app.translation.record import Translated
from app.translation.scores import HeadScores, name
from app.translation.sentences import sentences_of
from app.widgets import figure, table, written
from app.widgets.guard import guarded
from app.widgets.lesson import section
from app.widgets.markup import html
from attnviz.analysis.writing import HeadChanges
from attnviz.figures.head_needs import head_needs
from attnviz.figures.quantities import whole_percent


def show(shown: Translated, words: Lesson) -> None:
    """Draw the choice of heads, the text without them beside the text as it is, and what each head alone changes."""
    with section("off", words.say("off_name"), words.say("off_remark")):
        asked = st.session_state.get("off", st.query_params.get_all("off"))
        unknown = [name for name in asked or () if name not in shown.names]
        if unknown:
            note(words.say("off_unknown", names=", ".join(unknown)[:40]))
        names = st.pills(
            words.say("off_label"), shown.names, selection_mode="multi", key="off", bind="query-params"
        )
        if names:
            plain, other = off.without(shown, list(names))
            written.show(
                [(words.say("as_it_is"), plain), (words.say("without", names=", ".join(names)), other)],
                words.say("same"),
            )
        if _asked(shown, words, "off_each"):
            changes, count = off.changes(shown), shown.layers * shown.heads
            html(
                "<p class='av-say'>{}</p>",
                words.say("off_every", changed=len(changes), heads=count),
            )
            written.show((words.say("without", names=head), other) for head, other in changes)


def blind(shown: Translated, words: Lesson) -> None:
    """Draw what is written when cross-attention is wholly off, and why it was invented."""
    with section("blind", words.say("blind"), words.say("blind_remark")):
        html("<p class='av-text'>{}</p>", words.say("blind_text"))
        if shown.layers * shown.heads <= MOST_AT_ONCE or _has_asked(shown, "off_each"):
            plain, other = off.blind(shown)
            written.show(
                [(words.say("as_it_is"), plain), (words.say("without_all"), other)], words.say("same")
            )
            total = len(plain.split())
            kept = len(other.words) - sum(other.changed)
            other_text = off.blind_alike(shown)
            alike = words.say("blind_other", text=other_text) if other_text else ""
            said = words.say("blind_words" if shown.merged else "blind_tokens", kept=kept, count=total)
            html("<p class='av-say'>{} {}</p>", said, alike)
        html("<p class='av-source'>{}</p>", words.say("blind_source"))


def counts(shown: Translated, words: Lesson) -> None:
    """Draw how each head aligns against how many texts change without it; while it counts, how far it is."""
    texts = sentences_of(shown.model_id)
    with section("counts", words.say("counts"), words.say("counts_remark", sentences=len(texts))):
        if not _asked(shown, words, "off_all"):
            return
        count = head_count(shown.model_id, texts)
        every = None if count.done else 1.0

        @st.fragment(run_every=every)
        def progress() -> None:
            with guarded():
                if not count.done:
                    said = words.say("counting", done=count.changes.texts, sentences=count.total)
                    st.progress(count.changes.texts / count.total, text=said)
                elif every:
                    st.rerun()
                elif count.failed:
                    html("<p class='av-source'>{}</p>", words.say("counts_failed"))
                else:
                    _counted(shown, count.changes, words)

        progress()


def _counted(shown: Translated, changes: HeadChanges, words: Lesson) -> None:
    best, needed = shown.scores.best, changes.most_needed
    said = words.say(
        "counts_same" if changes.changed[best] == changes.changed[needed] else "counts_other",
        best=shown.best,
        score=whole_percent(float(shown.scores.shares[best])),
        changed=int(changes.changed[best]),
        texts=changes.texts,
        needed=name(*needed),
        needed_score=whole_percent(float(shown.scores.shares[needed])),
        needed_changed=int(changes.changed[needed]),
    )
    html("<p class='av-say'>{}</p>", said)
    rows = head_table(shown.names, shown.scores, changes)
    figure.show(
        head_needs(
            shown.scores.shares,
            changes.shares,
            figure.mode(),
            named=(best, needed),
            x_title=words.say("counts_axis_marked" if shown.scores.marked else "counts_axis_clear"),
        ),
        "needs",
        words.say("counts_alt", said=said),
        rows,
    )
    table.show(rows, words.say("counts_table"), shown.best)


def head_table(names: Sequence[str], scores: HeadScores, changes: HeadChanges) -> dict[str, list[str]]:
    """A row for each head: its score, with the counts where words were marked, and the texts it changes."""
    counts = [score for row in scores.counts for score in row]
    shares = [whole_percent(share) for share in scores.shares.ravel().tolist()]
    if counts:
        shares = [
            f"{share} ({score.right} of {score.words})" for share, score in zip(shares, counts, strict=True)
        ]
    return {
        "Head": list(names),
        "Aligned right" if counts else "Clearness": shares,
        "Texts changed": [f"{changed} of {changes.texts}" for changed in changes.changed.ravel().tolist()],
        **({"Alignment error rate": [f"{score.error_rate or 0:.2f}" for score in counts]} if counts else {}),
    }


def _asked(shown: Translated, words: Lesson, key: str) -> bool:
    """Whether to switch many heads off now: at once where there are few, else when the learner asks for this text."""
    heads = shown.layers * shown.heads
    if heads <= MOST_AT_ONCE or _has_asked(shown, key):
        return True
    html("<p class='av-source'>{}</p>", words.say("off_slow"))
    if st.button(words.say("off_ask", heads=heads), key=key):
        st.session_state[f"_{key}"] = (shown.model_id, shown.text)
    return _has_asked(shown, key)


def _has_asked(shown: Translated, key: str) -> bool:
    return bool(st.session_state.get(f"_{key}") == (shown.model_id, shown.text))
