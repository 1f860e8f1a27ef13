"""Waves, dials and wavelengths stand where the formula has them."""

import numpy as np
import pytest

from attnviz.analysis import positions as p
from attnviz.figures.position_waves import dials, dimension_curves, products_curve, turned, wavelength_curve


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("length", "width"), [(2, 1), (5, 7), (40, 16)])
def test_waves_of_any_size(mode, length, width):
    table = p.sinusoidal(length, width)
    curves = dimension_curves(table, [0, width - 1], mode)
    np.testing.assert_array_equal(curves.data[1].customdata, table[:, width - 1])
    products = p.products_by_distance(table)
    np.testing.assert_array_equal(products_curve(products, mode).data[2].y, products.mean)


def test_hands_and_arcs_stand_where_the_angles_say():
    turning = np.array([np.pi / 2], np.float32)
    fig = dials(turning, [0], position=1, shift=1, mode="light")
    _, arc, start, end = fig.data
    np.testing.assert_allclose([start.x[1], start.y[1]], [0, 1], atol=1e-6)
    np.testing.assert_allclose([end.x[1], end.y[1]], [-1, 0], atol=1e-6)
    np.testing.assert_allclose(np.hypot(arc.x, arc.y), 0.72, atol=1e-6)
    assert "90°" in fig.layout.annotations[0].text
    circles, *_ = dials(np.ones(5, np.float32), range(5), 0, 1, "light").data
    assert np.isnan(circles.x).sum() == np.isnan(circles.y).sum() == 4, "a gap between each two dials"
    assert "2 turns" in dials(turning, [0], 0, 8, "light").layout.annotations[0].text


@pytest.mark.parametrize(
    ("degrees", "said"),
    [(0, "0°"), (9.5e-6, "under 0.001°"), (0.0082, "0.0082°"), (330.4, "330°"), (360 * 79.58, "79.6 turns")],
)
def test_an_angle_is_said_without_powers_of_ten(degrees, said):
    assert turned(np.radians(degrees)) == said


def test_wavelengths_beside_another_base():
    own, other = (p.wavelengths(p.speeds(8, base)) for base in (1e4, 1e6))
    fig = wavelength_curve(own, other, 512, "light")
    np.testing.assert_array_equal(fig.data[1].y, other)
    heights = {note.text: note.y for note in fig.layout.annotations}
    assert heights["longest text"] == pytest.approx(np.log10(512), abs=0.5)
    assert list(np.diff(sorted(heights.values())) > 0.1) == [True, True], "no two names on one line"
    assert {note.x for note in fig.layout.annotations} == {1}, "right of the curves, which they would cross"
    assert not wavelength_curve(own, None, None, "light").layout.shapes
