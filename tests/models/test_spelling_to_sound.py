"""The bundled spelling-to-sound model and how it was made."""

import itertools
import re
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from attnviz.models import bundled
from training.spelling_to_sound import data, muon, scoring
from training.spelling_to_sound import model as making
from training.spelling_to_sound import train as training
from training.spelling_to_sound.train import learning_rate

ROOT = Path(__file__).parents[2]
SHIPPED = bundled.folder_of(bundled.SPELLING)
YOUTH = sorted((SHIPPED / "youth").iterdir()) if SHIPPED.is_dir() else []
needs_weights = pytest.mark.skipif(
    not (SHIPPED / "model.safetensors").is_file(), reason="no weights are shipped yet: make train-spelling"
)
CARD = ROOT / "training" / "spelling_to_sound" / "README.md"
MARGIN = 0.08
"""Three standard errors of a share near 70 % over 300 words."""

LINES = """knight N AY1 T
tomato T AH0 M EY1 T OW2
tomato(2) T AH0 M AA1 T OW2
tomato(3) T AH0 M EY1 T OW2
o'clock AH0 K L AA1 K
x-ray EH1 K S R EY2 # a remark
3d TH R IY1 D IY2
'bout B AW1 T
"""


def lexicon_of(text, tmp_path):
    path = tmp_path / "dictionary"
    path.write_text(text, "utf-8")
    return data.read(path)


def held_out():
    lines = (Path(__file__).parent / "held_out_words.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {word: tuple(sounds.split(" / ")) for word, sounds in rows}


@pytest.fixture(scope="module")
def shipped():
    if not (SHIPPED / "model.safetensors").is_file():
        pytest.skip("no weights are shipped yet: make train-spelling")
    model = AutoModelForSeq2SeqLM.from_pretrained(SHIPPED, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(SHIPPED)


# The files


@needs_weights
def test_sizes():
    assert (SHIPPED / "model.safetensors").stat().st_size <= 12_000_000
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*.safetensors")) <= 30_000_000


@needs_weights
def test_youth_is_log_spaced_from_step_0_on():
    steps = [int(folder.name.removeprefix("step-")) for folder in YOUTH]
    assert len(steps) >= 7 and steps[0] == 0
    assert all(2 <= later / earlier <= 4 for earlier, later in itertools.pairwise(steps[1:]))


@needs_weights
@pytest.mark.parametrize("folder", [SHIPPED, *YOUTH], ids=lambda folder: folder.name)
def test_every_moment_loads_the_same_way(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model, info = AutoModelForSeq2SeqLM.from_pretrained(folder, output_loading_info=True)
    assert model.config.model_type == "t5" and model.dtype == torch.float16
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert model.config.vocab_size == len(tokenizer)
    assert all(torch.isfinite(p).all() for p in model.parameters())


@needs_weights
def test_its_youth_is_worse_the_younger_it_is(shipped):
    _, tokenizer = shipped
    words = dict(itertools.islice(held_out().items(), 60))
    rates = []
    for folder in (YOUTH[0], YOUTH[-1], SHIPPED):
        model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32)
        rates.append(scoring.score(scoring.write(model, tokenizer, list(words)), words).word_accuracy)
    assert rates[0] == 0 and rates[1] < rates[2]


# Letters and phonemes


def test_spelling_and_sound_never_mix(shipped):
    _, tokenizer = shipped
    spelling = tokenizer("o'clock x-ray").input_ids
    sound = tokenizer(text_target="N AY1 T | G UH1 D").input_ids
    assert tokenizer.convert_ids_to_tokens(spelling) == [*"o'clock x-ray", "</s>"]
    assert tokenizer.convert_ids_to_tokens(sound) == ["N", "AY1", "T", "|", "G", "UH1", "D", "</s>"]
    assert set(spelling) & set(sound) == {tokenizer.eos_token_id}
    assert tokenizer.decode(sound, skip_special_tokens=True) == "N AY1 T | G UH1 D"
    assert tokenizer.decode(spelling, skip_special_tokens=True) == "o'clock x-ray"


@given(st.text("abcxyz'- ", min_size=1).map(str.strip).filter(bool))
def test_every_letter_is_a_token(text):
    tokenizer = making.tokenizer({"knight": ("N AY1 T",)})
    assert tokenizer.convert_ids_to_tokens(tokenizer(text).input_ids) == [*text, "</s>"]


def test_signs_that_were_not_learnt_are_unknown(shipped):
    _, tokenizer = shipped
    assert tokenizer.convert_ids_to_tokens(tokenizer("é3").input_ids) == ["<unk>", "<unk>", "</s>"]


# What it writes


def test_it_reads_well_known_words(shipped):
    model, tokenizer = shipped
    written = scoring.write(model, tokenizer, ["night", "cat", "station"])
    assert written == {"night": "N AY1 T", "cat": "K AE1 T", "station": "S T EY1 SH AH0 N"}


def test_phrases_keep_their_words_apart(shipped):
    model, tokenizer = shipped
    (sound,) = scoring.write(model, tokenizer, ["good morning class"]).values()
    assert sound.count("|") == 2


def test_decoding_is_the_same_each_time_and_alone_or_in_company(shipped):
    model, tokenizer = shipped
    words = list(held_out())[:24]
    together = scoring.write(model, tokenizer, words)
    assert scoring.write(model, tokenizer, words) == together
    assert scoring.write(model, tokenizer, words, size=1) == together


def test_generating_by_the_shipped_settings_is_the_same(shipped):
    model, tokenizer = shipped
    ids = model.generate(**tokenizer("knight", return_tensors="pt"))
    assert tokenizer.batch_decode(ids, skip_special_tokens=True) == [
        scoring.write(model, tokenizer, ["knight"])["knight"]
    ]


@needs_weights
def test_scores_are_those_of_the_model_card(shipped):
    model, tokenizer = shipped
    row = re.search(r"^\| all held-out words \|(.*)\|$", CARD.read_text("utf-8"), re.M)
    right, errors, right_stressed, errors_stressed = (
        float(cell.strip(" %")) / 100 for cell in row[1].split("|")[1:]
    )
    words = held_out()
    scores = scoring.score(scoring.write(model, tokenizer, list(words)), words)
    assert scores.words == 300
    assert scores.word_accuracy == pytest.approx(right, abs=MARGIN)
    assert scores.word_accuracy_stressed == pytest.approx(right_stressed, abs=MARGIN)
    assert scores.phoneme_errors == pytest.approx(errors, abs=MARGIN / 4)
    assert scores.phoneme_errors_stressed == pytest.approx(errors_stressed, abs=MARGIN / 4)


# The data


def test_pronunciations_of_a_word_are_kept_together(tmp_path):
    lexicon = lexicon_of(LINES, tmp_path)
    assert lexicon["tomato"] == ("T AH0 M EY1 T OW2", "T AH0 M AA1 T OW2")
    assert lexicon["x-ray"] == ("EH1 K S R EY2",)
    assert set(lexicon) == {"knight", "tomato", "o'clock", "x-ray", "'bout"}


@given(st.sets(st.text("abcdefg'-", min_size=1, max_size=8), max_size=60))
def test_parts_share_no_word(words):
    lexicon = dict.fromkeys(words, ("N AY1 T",))
    parts = data.split(lexicon)
    assert sum(map(len, parts.values())) == len(lexicon)
    assert {word for part in parts.values() for word in part} == words


@needs_weights
def test_the_split_is_fixed():
    assert all(data.part(word) == "test" for word in held_out())
    words = ["".join(letters) for letters in itertools.product("abcdefghij", repeat=4)]
    share = sum(data.part(word) == "test" for word in words) / len(words)
    assert share == pytest.approx(0.05, abs=0.007)


@pytest.mark.parametrize(
    ("word", "trained", "related"),
    [
        ("knights", "knight", True),
        ("knight", "knights", True),
        ("knight's", "knights", True),
        ("running", "run", True),
        ("making", "make", True),
        ("studies", "study", True),
        ("knight", "night", False),
        ("cats", "cat", True),
        ("bed", "b", False),
    ],
)
def test_relatives(word, trained, related):
    assert (data.relatives([word], [trained]) == {word}) is related


PAIRS = [([n] * (2 + n % 5) + [1], [50 + n] * (1 + n % 4) + [1]) for n in range(2, 42)]
BETWEEN = ([99], [98])


def test_an_epoch_holds_every_word_and_some_phrases():
    lists = list(data.microbatches(PAIRS, BETWEEN, 40, seed=3))
    examples = [pair for one in lists for pair in one]
    phrases = [pair for pair in examples if 99 in pair[0]]
    assert sorted(pair for pair in examples if 99 not in pair[0]) == sorted(PAIRS)
    assert len(phrases) == len(PAIRS) // 8
    for spelling, sound in phrases:
        assert spelling.count(99) == sound.count(98) in (1, 2)
        assert spelling.count(1) == sound.count(1) == 1  # one end, and that at the end
        assert spelling[-1] == sound[-1] == 1
    assert all(sum(len(a) + len(b) for a, b in one) <= 40 for one in lists)
    assert lists == list(data.microbatches(PAIRS, BETWEEN, 40, seed=3))
    assert lists != list(data.microbatches(PAIRS, BETWEEN, 40, seed=4))


def test_a_run_goes_on_with_the_examples_it_would_have_had():
    whole = list(itertools.islice(training.examples(PAIRS, BETWEEN, 80, 1, 0), 40))
    resumed = list(itertools.islice(training.examples(PAIRS, BETWEEN, 80, 1, 17), 23))
    assert resumed == whole[17:]


# Training


def test_learning_rate_rises_stays_and_falls_to_nothing():
    assert learning_rate(0, 0.0) == pytest.approx(1 / training.WARM_UP)
    assert learning_rate(training.WARM_UP, 0.1) == 1
    assert learning_rate(10_000, 1 - training.COOLING / 4) == pytest.approx(0.25)
    assert learning_rate(10_000, 1.0) == 0


def test_gradients_of_parts_add_up_to_those_of_the_whole():
    lexicon = {"knight": ("N AY1 T",)}
    tokenizer = making.tokenizer(lexicon)
    model = making.untrained(len(tokenizer), seed=5)
    model.eval()
    pairs = [*training.encoded(lexicon, tokenizer)] * 2 + [([5, 6, 1], [32, 1])]
    length = sum(len(sound) for _, sound in pairs)
    loss, whole = training.gradients(model, pairs, length)
    parts = [training.gradients(model, [pair], length) for pair in pairs]
    assert sum(one for one, _ in parts) == pytest.approx(loss, rel=1e-5)
    for together, *apart in zip(whole, *(gradients for _, gradients in parts), strict=True):
        torch.testing.assert_close(sum(apart), together, atol=1e-5, rtol=1e-3)


def test_orthogonal_keeps_directions_and_evens_out_their_lengths():
    torch.manual_seed(0)
    left, _, right = torch.linalg.svd(torch.randn(3, 16, 40), full_matrices=False)
    sizes = torch.linspace(0.2, 3, 16)
    made = muon.orthogonal(left @ torch.diag(sizes) @ right)
    between = left.mT @ made @ right.mT  # diagonal where the directions are kept
    found = torch.diagonal(between, dim1=1, dim2=2)
    torch.testing.assert_close(between, torch.diag_embed(found), atol=1e-4, rtol=0)
    assert found.min() > 0.5 and found.max() < 1.3


def test_muon_descends():
    torch.manual_seed(0)
    wanted, matrix = torch.randn(6, 4), torch.nn.Parameter(torch.zeros(6, 4))
    optimiser = muon.Muon([matrix], lr=0.05)
    losses = []
    for _ in range(100):
        loss = (matrix - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 20


# Scores


@pytest.mark.parametrize(
    ("given_sound", "listed", "edits", "length"),
    [
        ("N AY1 T", ["N AY1 T"], 0, 3),
        ("N AY0 T", ["N AY1 T"], 1, 3),
        ("K N AY1 T", ["N AY1 T"], 1, 3),
        ("N T", ["N AY1 T"], 1, 3),
        ("", ["N AY1 T"], 3, 3),
        ("T EY1", ["T OW1 M", "T EY1"], 0, 2),
        ("A B C D", ["B C D A"], 2, 4),
    ],
)
def test_errors_by_hand(given_sound, listed, edits, length):
    assert scoring.errors(given_sound, listed)[:2] == (edits, length)


def test_score_by_hand():
    lexicon = {"knight": ("N AY1 T",), "read": ("R EH1 D", "R IY1 D"), "to": ("T UW1",)}
    scores = scoring.score({"knight": "N AY2 T", "read": "R EY1 D", "to": "T UW1 K"}, lexicon)
    assert scores.words == 3
    assert scores.word_accuracy == pytest.approx(1 / 3)
    assert scores.phoneme_errors == pytest.approx(2 / 8)
    assert scores.word_accuracy_stressed == 0
    assert scores.phoneme_errors_stressed == pytest.approx(3 / 8)
    assert dict(scores.confusions) == {("EY", "EH"): 1, ("K", ""): 1}
