"""Tokens of every kind of tokenizer, trained here on a few lines, and of the bundled models."""

import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from attnviz.errors import TextError, TooManyTokens
from attnviz.settings import settings
from attnviz.tracing.pieces import Vocabulary, is_word_break, visible
from attnviz.tracing.tokens import Tokens, encode, shortened, tokens

LINES = [
    "The animal didn't cross the street because it was too tired.",
    "Mrs Violet Dursley never believed in owls, nor in unbelievable things.",
    "naïve café 3.14 and a well-known label: unlabelled, labelled, relabelled",
    "die Straße überquerte das Tier nicht, weil es zu müde war",
] * 12
LABEL = "Violet mislabelled the naïve café.\n\tIt's 3.14"


def fast(tokenizer, **special):
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


def byte_level():
    """As GPT-2 and SmolLM2."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        LINES, trainers.BpeTrainer(vocab_size=400, special_tokens=["<|end|>"], initial_alphabet=alphabet)
    )
    return fast(made, bos_token="<|end|>", eos_token="<|end|>", unk_token="<|end|>")


def word_piece():
    """As BERT: lower case, no accents, no spaces."""
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    made.train_from_iterator(LINES, trainers.WordPieceTrainer(vocab_size=180, special_tokens=special))
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return fast(made, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]")


def unigram():
    """As T5, ALBERT and Pegasus."""
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.train_from_iterator(
        LINES,
        trainers.UnigramTrainer(vocab_size=170, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>"),
    )
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return fast(made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def byte_fallback():
    """As Llama 2 and Mistral: Metaspace by normalizer, and one piece for each byte that no piece holds."""
    made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    spaced = [line.replace(" ", "▁") for line in LINES]
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Split(Regex("▁?[^▁]+"), "isolated")
    trained.train_from_iterator(spaced, trainers.BpeTrainer(vocab_size=500, special_tokens=special))
    state = json.loads(trained.to_str())["model"]
    made.model = models.BPE(
        state["vocab"],
        [tuple(m) for m in state["merges"]],
        byte_fallback=True,
        unk_token="<unk>",
        fuse_unk=True,
    )
    made.add_special_tokens(["<unk>", "<s>", "</s>"])
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", made.token_to_id("<s>"))]
    )
    return fast(made, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def by_character():
    """As a spelling model: every character is a token."""
    alphabet = sorted(set("".join(LINES)) | {"\n", "\t"})
    vocabulary = {piece: i for i, piece in enumerate(["<pad>", "</s>", "<unk>", *alphabet])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.decoder = decoders.Fuse()
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return fast(made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def by_word():
    """One token for a word, as in the oldest models."""
    made = Tokenizer(models.WordLevel(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.train_from_iterator(LINES, trainers.WordLevelTrainer(special_tokens=["<unk>"]))
    return fast(made, unk_token="<unk>")


KINDS = {
    "byte level": byte_level,
    "word piece": word_piece,
    "unigram": unigram,
    "byte fallback": byte_fallback,
    "character": by_character,
    "word": by_word,
}
LOSSLESS = ("byte level", "byte fallback", "character")
BUNDLED = ("sentence-transformers/all-MiniLM-L6-v2", "HuggingFaceTB/SmolLM2-135M-Instruct")


@pytest.fixture(scope="module")
def made():
    built = {}

    def of(kind):
        if kind not in built:
            built[kind] = bundled(kind) if "/" in kind else KINDS[kind]()
        return built[kind]

    return of


def bundled(model_id):
    from attnviz.models.loading import load

    return load(model_id).tokenizer


def read(tokenizer, text):
    ids, segments = encode(tokenizer, text, 10_000)
    return tokens(tokenizer, ids, segments, text)


def plain(found):
    """Labels without special tokens."""
    return [label for label, special in zip(found.labels, found.special, strict=True) if not special]


# ------------------------------------------------------------------------------------------ the record


def hand_made(**changes):
    fields = {
        "ids": (5, 6, 7),
        "labels": ("the", "cat", "the"),
        "pieces": ("Ġthe", "Ġcat", "Ġthe"),
        "surfaces": ("the", " cat", " the"),
        "raw_bytes": (b" the", b" cat", b" the"),
        "special": (False, False, False),
        "words": (0, 1, 2),
        "segments": (0, 0, 0),
    }
    return Tokens(**{**fields, **changes})


def test_the_record_tells_repeated_labels_apart_and_knows_its_text():
    found = hand_made()
    assert found.unique_labels == ("the", "cat", "the²")
    assert found.text == "the cat the"
    assert len(found) == 3
    assert found.unknown == (False,) * 3


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ("the", "cat")},
        {"segments": (0, 0, 2)},
        {"words": (-1, 1, 2)},
        {"special": (True, False, False)},
    ],
)
def test_the_record_refuses_what_does_not_fit(changes):
    with pytest.raises(ValueError):
        hand_made(**changes)


def test_word_groups_and_labels():
    found = hand_made(
        labels=("[CLS]", "la", "-bel"),
        raw_bytes=(b"", b" la", b"bel"),
        special=(True, False, False),
        words=(-1, 0, 0),
    )
    assert found.word_groups == ((0,), (1, 2))
    assert found.word_labels == ("[CLS]", "label")


def test_two_special_tokens_side_by_side_are_two_groups():
    found = hand_made(special=(True, True, False), words=(-1, -1, 0))
    assert found.word_groups == ((0,), (1,), (2,))


# ----------------------------------------------------------------------------- every kind of tokenizer


@pytest.mark.parametrize("kind", [*KINDS, *BUNDLED])
def test_surfaces_joined_are_the_text_and_ids_go_round(made, kind):
    text = f"  {LABEL} 🙂 你好 "
    found = read(made(kind), text)
    assert found.text == text
    assert found.ids == tuple(made(kind)(text)["input_ids"])
    assert tuple(made(kind).convert_tokens_to_ids(list(found.pieces))) == found.ids


@pytest.mark.parametrize("kind", [*LOSSLESS, BUNDLED[1]])
def test_without_the_text_a_lossless_tokenizer_still_gives_it(made, kind):
    tokenizer = made(kind)
    text = LABEL.replace("It", "it") + (" 🙂" if kind != "character" else "")
    ids, _ = encode(tokenizer, text, 10_000)
    assert tokens(tokenizer, ids).text == text


@pytest.mark.parametrize("kind", ["word piece", "unigram", "word"])
def test_without_the_text_the_others_write_what_they_would_decode(made, kind):
    tokenizer = made(kind)
    ids, _ = encode(tokenizer, "the animal was too", 10_000)
    assert (
        tokens(tokenizer, ids).text == tokenizer.decode(ids, skip_special_tokens=True) == "the animal was too"
    )


@pytest.mark.parametrize("kind", ["byte level", "word piece", "unigram", "byte fallback", *BUNDLED])
def test_labels_hold_no_marks_of_the_tokenizer(made, kind):
    found = read(made(kind), LABEL)
    assert not any(mark in label for label in found.labels for mark in ("Ġ", "▁", "##", "<0x", "Ċ", "Ã"))
    continued = [i for i, label in enumerate(found.labels) if label.startswith("-") and len(label) > 1]
    assert continued, "nothing is split: the test shows nothing"
    assert all(found.words[i] == found.words[i - 1] for i in continued)
    assert "tired" in read(made(kind), "it was too tired").word_labels


@pytest.mark.parametrize("kind", ["byte level", "byte fallback", "character", BUNDLED[1]])
def test_white_space_is_visible(made, kind):
    labels = plain(read(made(kind), "the\n\tcat  sat\n\n"))
    joined = "".join(labels)
    assert joined.count("⏎") == 3
    assert joined.count("⇥") == 1
    assert "␣" in joined


@pytest.mark.parametrize("kind", ["byte level", "byte fallback"])
def test_a_character_over_several_tokens_is_whole_and_counted(made, kind):
    found = read(made(kind), "a 🙂")
    assert plain(found)[-4:] == ["🙂 1/4", "🙂 2/4", "🙂 3/4", "🙂 4/4"]
    assert b"".join(found.raw_bytes[-4:]) == "🙂".encode()
    assert found.surfaces[-4:] == (
        " 🙂" if kind == "byte level" and len(plain(found)) == 5 else found.surfaces[-4],
        "",
        "",
        "",
    )
    assert len(set(found.words[-4:])) == 1


def test_bytes_that_are_no_character_are_shown_as_bytes(made):
    tokenizer = made("byte level")
    ids, _ = encode(tokenizer, "🙂", 10)
    found = tokens(tokenizer, ids[:2])
    assert found.labels == ("⟨F0⟩", "⟨9F⟩")
    assert found.surfaces == ("\ufffd", "\ufffd")


def test_a_token_with_the_end_of_one_character_and_the_start_of_another_shows_bytes():
    vocabulary = {"Ġð": 0, "ŁĻĤð": 1, "ŁĻĤ": 2}
    made = Tokenizer(models.BPE(vocabulary, []))
    made.decoder = decoders.ByteLevel()
    found = tokens(fast(made), (0, 1, 2))
    assert found.raw_bytes == (b" \xf0", b"\x9f\x99\x82\xf0", b"\x9f\x99\x82")
    assert found.labels == ("🙂 1/2", "⟨9F 99 82 F0⟩", "🙂 2/2")
    assert found.text == " 🙂🙂"


@pytest.mark.parametrize(
    ("kind", "unknown"),
    [("word piece", "[UNK]"), ("unigram", "<unk>"), ("character", "<unk>"), ("word", "<unk>")],
)
def test_an_unknown_token_is_marked_and_is_not_special(made, kind, unknown):
    found = read(made(kind), "the 你 the")
    place = found.labels.index(unknown)
    assert found.unknown[place] and not found.special[place]
    assert found.words[place] >= 0
    assert found.surfaces[place].strip() == "你"
    assert found.raw_bytes[place] == b""


def test_special_tokens_are_the_models_own_strings(made):
    found = read(made("word piece"), "the cat")
    assert (found.labels[0], found.labels[-1]) == ("[CLS]", "[SEP]")
    assert (found.special[0], found.special[-1], any(found.special[1:-1])) == (True, True, False)
    assert (found.surfaces[0], found.surfaces[-1]) == ("", "")


def test_a_special_token_that_the_user_types_keeps_its_text(made):
    found = read(made("word piece"), "the [SEP] cat")
    assert found.special[found.surfaces.index(" [SEP]")]
    assert found.text == "the [SEP] cat"


def test_a_pair_has_two_segments_and_no_common_words(made):
    found = read(made("word piece"), ("the cat", "The cat!"))
    encoding = made("word piece")("the cat", "The cat!", return_token_type_ids=True)
    assert found.segments == tuple(encoding["token_type_ids"])
    assert {0, 1} == set(found.segments)
    assert found.text == "the catThe cat!"
    assert all(len({found.segments[i] for i in group}) == 1 for group in found.word_groups)


def test_an_id_beyond_the_vocabulary_has_a_label_all_the_same(made):
    for kind in ("byte level", "word piece"):
        found = tokens(made(kind), (70_000,))
        assert (found.labels, found.unknown, found.special) == (("#70000",), (True,), (False,))


def test_letters_as_tokens_carry_no_dashes(made):
    assert plain(read(made("character"), "a cat"))[:5] == ["a", "␣", "c", "a", "t"]


def test_the_bundled_encoder(made):
    found = read(made(BUNDLED[0]), "Mrs Dursley didn't. 🙂")
    assert found.labels == ("[CLS]", "mrs", "du", "-rs", "-ley", "didn", "'", "t", ".", "[UNK]", "[SEP]")
    assert found.word_labels == ("[CLS]", "mrs", "dursley", "didn't", ".", "[UNK]", "[SEP]")
    assert found.surfaces == ("", "Mrs", " Du", "rs", "ley", " didn", "'", "t", ".", " 🙂", "")


def test_the_bundled_decoder(made):
    found = read(made(BUNDLED[1]), "Mrs Dursley didn't.\n 🙂")
    assert found.labels[:7] == ("Mrs", "D", "-urs", "-ley", "didn", "'t", ".")
    assert found.word_labels[:4] == ("Mrs", "Dursley", "didn't", ".")
    assert not any(found.special)
    assert found.labels[-1].startswith("🙂")
    template = read(made(BUNDLED[1]), "<|im_start|>user\nHi<|im_end|>")
    assert (template.labels[0], template.special[0]) == ("<|im_start|>", True)


FRAGMENTS = (
    *(
        "the",
        "label",
        " ",
        "  ",
        "\n",
        "\t",
        "\r\n",
        "\x00",
        "\x07",
        "\u200b",
        "\u202e",
        "🙂",
        "👩\u200d🔬",
        "🇵🇹",
    ),
    *(
        "é",
        "e\u0301",
        "\u0301",
        "שלום",
        "مرحبا",
        "नमस्ते",
        "你好",
        "½",
        "-",
        "<script>alert(1)</script>",
        "&amp;",
    ),
    *("[SEP]", "<s>", "##a", "▁", "Ġ", "<0x0A>"),
)


def check_sentence(error):
    assert error.message.endswith(".") and error.way_out.endswith(".")


TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(FRAGMENTS),
        max_size=12,
    ).map("".join),
)


@pytest.mark.parametrize("kind", [*KINDS, *BUNDLED])
@hypothesis_settings(max_examples=60, deadline=None)
@given(text=TEXTS)
@example(text="\x00")
@example(text="e\u0301\u0301 \u202eabc")
@example(text="<b onclick='x'>&lt;</b>")
def test_any_text_is_read_whole_or_refused_with_a_sentence(made, kind, text):
    tokenizer = made(kind)
    try:
        found = read(tokenizer, text)
    except TextError as refused:
        check_sentence(refused)
        return
    assert found.text == text
    assert len(found) == len(found.unique_labels) == len(set(found.unique_labels)) or kind == "word"
    assert [w for w in found.words if w >= 0] == sorted(w for w in found.words if w >= 0)
    assert [i for group in found.word_groups for i in group] == list(range(len(found)))
    for label, special in zip(found.labels, found.special, strict=True):
        assert label
        assert special or not any(ord(c) < 0x20 or c in "\u202e\u2028\x7f\u200b" for c in label)


@pytest.mark.parametrize("kind", LOSSLESS[:2])
@hypothesis_settings(max_examples=60, deadline=None)
@given(text=st.text(min_size=1, max_size=40).filter(lambda t: t.strip() and "▁" not in t and "<" not in t))
def test_the_bytes_of_a_lossless_tokenizer_are_the_text(made, kind, text):
    found = read(made(kind), text)
    assert b"".join(found.raw_bytes).removeprefix(b" " if kind == "byte fallback" else b"") == text.encode()


# ------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("text", ["", "  ", "\n\t ", ("the", " ")])
def test_nothing_to_read(made, text):
    with pytest.raises(TextError, match="no text"):
        encode(made("word piece"), text, 10)


def test_text_of_which_the_tokenizer_keeps_nothing(made):
    with pytest.raises(TextError, match="nothing in your text"):
        encode(made("word piece"), "\x00\u200b", 10)


def test_half_a_character(made):
    with pytest.raises(TextError, match="half a character"):
        encode(made("byte level"), "a \ud83d b", 10)


def test_too_many_bytes(made):
    with pytest.raises(TextError, match="100,001 bytes"):
        encode(made("byte level"), "a" * (settings().max_text_bytes + 1), 10)


@pytest.mark.parametrize("kind", [*KINDS, *BUNDLED])
def test_too_many_tokens_and_the_beginning_that_fits(made, kind):
    text = LABEL.replace("\n\t", " ") + " and so on" * 40
    count = len(made(kind)(text)["input_ids"])
    with pytest.raises(TooManyTokens) as error:
        encode(made(kind), text, 20, reader="MiniLM")
    assert (error.value.count, error.value.limit) == (count, 20)
    assert "MiniLM" in str(error.value)
    short = shortened(made(kind), text, 20)
    assert text.startswith(short) and short == short.rstrip()
    assert 10 <= len(encode(made(kind), short, 20)[0]) <= 20
    assert shortened(made(kind), "the cat", 20) == "the cat"


@pytest.mark.parametrize("kind", [*KINDS, *BUNDLED])
def test_the_longest_text_that_is_read_at_all(made, kind):
    text = ("the animal didn't " * 6000)[: settings().max_text_bytes - 1] + "x"
    with pytest.raises(TooManyTokens):
        encode(made(kind), text, 512)
    assert len(encode(made(kind), shortened(made(kind), text, 512), 512)[0]) > 480
    found = read(made(kind), "x" * 400)
    assert found.text == "x" * 400


def test_one_long_word_is_cut_within(made):
    assert 10 <= len(shortened(made("byte level"), "label" * 400, 20)) < 100


# ----------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("didn't stop", ["didn't", " ", "stop"]),
        ("'quoted'", ["'", "quoted", "'"]),
        ("3.14, 1,000.", ["3.14", ",", " ", "1,000", "."]),
        ("well-known", ["well", "-", "known"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("नमस्ते!", ["नमस्ते", "!"]),
        ("你好吗", ["你", "好", "吗"]),
        ("カタカナ", ["カタカナ"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("👩\u200d🔬👍🏽", ["👩\u200d🔬", "👍🏽"]),
        ("🇵🇹🇧🇷", ["🇵🇹", "🇧🇷"]),
        ("snake_case", ["snake_case"]),
        ("شكرا؟", ["شكرا", "؟"]),
    ],
)
def test_where_words_begin(text, words):
    places = [i for i in range(len(text) + 1) if is_word_break(text, i)]
    assert [text[a:b] for a, b in pairwise(places)] == words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" the", "the"),
        (" ", "␣"),
        ("  the", "␣␣the"),
        (" " * 16, "␣×16"),
        ("\r\n", "␍⏎"),
        ("\x00", "␀"),
        ("\u0301", "◌\u0301"),
        ("e\u0301", "e\u0301"),
        ("\u202eabc", "⟨U+202E⟩abc"),
        ("\u200d", "⟨U+200D⟩"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("\u00a0", "⟨U+00A0⟩"),
        ("of the", "of␣the"),
        ("שלום", "שלום"),
    ],
)
def test_everything_is_visible(text, shown):
    assert visible(text) == shown


# ------------------------------------------------------------------------------------------ vocabulary


def test_ranks_count_pieces_of_text_only(made):
    tokenizer = made("word piece")
    vocabulary = Vocabulary(tokenizer)
    ranks = [vocabulary.rank(i) for i in range(len(tokenizer))]
    assert ranks[:4] == [None] * 4  # [PAD] [UNK] [CLS] [SEP]
    assert ranks[4:] == list(range(1, vocabulary.size + 1))
    assert vocabulary.rank(len(tokenizer)) is None


def test_ranks_of_the_bundled_encoder_leave_out_unused_places(made):
    vocabulary = Vocabulary(made(BUNDLED[0]))
    assert vocabulary.rank(99) is None  # [unused98]
    assert vocabulary.size == 30_522 - 994 - 5
    assert vocabulary.rank(30_521) == vocabulary.size
