import pytest

from attnviz.figures.quantities import amount, percent, shape, signed, size, whole_percent


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (1234, "1.23 kB"),
        (23_040, "23.0 kB"),
        (99_949, "99.9 kB"),
        (99_951, "100 kB"),
        (999_499, "999 kB"),
        (999_501, "1.00 MB"),
        (90_852_864, "90.9 MB"),
        (13_476_831_232, "13.5 GB"),
        (2e18, "2000 PB"),
    ],
)
def test_size(number, words):
    assert size(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(7, "7"), (512, "512"), (22_713_216, "22.7 million"), (3.14e23, "314000000 quadrillion")],
)
def test_amount(number, words):
    assert amount(number) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0.0 %"), (0.0004, "under 0.1 %"), (0.0005, "0.1 %"), (0.525, "52.5 %"), (1, "100.0 %")],
)
def test_percent(share, words):
    assert percent(share) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0 %"), (0.0012, "under 1 %"), (0.005, "under 1 %"), (0.0051, "1 %"), (0.68, "68 %"), (1, "100 %")],
)
def test_whole_percent(share, words):
    assert whole_percent(share) == words


@pytest.mark.parametrize(
    ("value", "digits", "words"),
    [(-1234.5, 2, "−1,234.50"), (-0.001, 2, "0.00"), (0.5, 1, "0.5"), (float("-inf"), 2, "−inf")],
)
def test_signed(value, digits, words):
    assert signed(value, digits) == words


def test_shape():
    assert shape((16, 1536)) == "16 × 1,536"
