"""Films: what each moment shows, and that files play, loop, say what they are, and are whole or not there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawings import chart_panel, figure_of, plane_panel
from PIL import Image

from landscape_gui.errors import LandscapeError, QuestionError
from landscape_gui.export import film_frames
from landscape_gui.export.film_encoders import palette_of, write_mp4
from landscape_gui.export.films import FilmStopped, write_film
from landscape_gui.figure import Figure, SharedBar, Surface
from landscape_gui.figure import Path as Run
from landscape_gui.film import Course, Film, FilmSetup, Growth, between, training, trajectory, turntable
from landscape_gui.results import Quantity, TrajectoryResult, freeze
from landscape_gui.style import DARK, TRAJECTORY, colour_table

LARGER = FilmSetup(seconds=0.5, rate=8, width=480, height=360)
SMALL = FilmSetup(seconds=0.5, rate=8, width=160, height=120)


def run_result(order: tuple[float, ...] = (0, 1, 2, 4, 5, 8, 10)) -> TrajectoryResult:
    """The run that plane_panel draws: seven checkpoints."""
    t = np.linspace(0, 1, 7)
    loss = Quantity(name="train_loss", label="train loss", values=freeze(2.0 ** -np.arange(7)))
    return TrajectoryResult(
        names=tuple(f"epoch {k:g}" for k in order), order=freeze(order), x=freeze(-0.8 * (1 - t)), y=freeze(0.8 - t),
        off_plane=freeze(np.zeros(7)), distance=freeze(np.zeros(7)), quantities={"train_loss": loss},
        plane_quantities={"train_loss": loss}, surface=None,  # type: ignore[arg-type]
    )  # fmt: skip


def run_of(film: Film, part: float) -> Run:
    return next(m for m in film.moment(part).panels[0].marks if isinstance(m, Run))


def surface_of(film: Film, part: float) -> Surface:
    found = film.moment(part).panels[0].surface
    assert found is not None
    return found


def stages(scale: str = "linear") -> list[Figure]:
    panel = plane_panel("3d", scale=scale)
    assert panel.surface is not None
    return [
        figure_of(replace(panel, marks=(replace(panel.surface, z=f * panel.surface.z, limits=(0.1 * f, 2.0 * f)),)))
        for f in (1.0, 2.0, 4.0)
    ]


def test_a_whole_turn_ends_where_it_begins_and_shows_no_frame_twice() -> None:
    film = turntable(figure_of(plane_panel("2d")))
    azimuths = [film.moment(film.part(k, 8)).panels[0].camera.azimuth for k in range(9)]
    assert azimuths[8] == pytest.approx(azimuths[0])
    steps = np.diff(np.unwrap(np.radians(azimuths)))
    assert np.degrees(steps) == pytest.approx(45.0)
    assert film.moment(0).panels[0].view == "3d", "a surface shown from above is turned as a relief"


def test_a_part_of_a_turn_reaches_its_end() -> None:
    film = turntable(figure_of(plane_panel("3d")), turn=90.0, ease=True)
    first, last = (film.moment(film.part(k, 8)).panels[0].camera.azimuth for k in (0, 7))
    assert last - first == pytest.approx(90.0)
    assert film.turned(film.figure.panels[0], 0.01).camera.azimuth - first < 0.1, "it sets off gently"


def test_surfaces_that_turn_alone_fill_the_frame() -> None:
    """The grid, and what stands beside it, was that of all panels."""
    several = replace(figure_of(chart_panel(), chart_panel(), plane_panel("3d")), columns=3, heads=("a", "b", "c"), sides=("d",))
    found = turntable(several).figure
    assert (len(found.panels), found.columns, found.heads, found.sides) == (1, 1, (), ())
    pair = replace(figure_of(plane_panel("3d"), plane_panel("2d")), columns=2, heads=("a", "b"), sides=("d",))
    found = turntable(pair).figure
    assert (len(found.panels), found.columns, found.heads, found.sides) == (2, 2, ("a", "b"), ("d",))


def test_a_path_grows_with_its_epochs() -> None:
    film = trajectory(figure_of(plane_panel("3d")), run_result())
    assert isinstance(film, Growth)
    start, end = run_of(film, 0.0), run_of(film, 1.0)
    whole = run_result()
    assert start.x.tolist() == [-0.8, -0.8] and start.y.tolist() == [0.8, 0.8]
    assert np.array_equal(end.x, whole.x) and np.array_equal(end.y, whole.y)
    part = 0.88 * 0.3  # epoch 3 of 10, half way from epoch 2 to epoch 4
    assert film.place(part) == pytest.approx(2.5)
    assert run_of(film, part).x[-1] == pytest.approx((whole.x[2] + whole.x[3]) / 2) and len(run_of(film, part).x) == 4
    assert film.moment(part).words == "epoch 2   loss 0.25", "the last checkpoint that was reached"
    assert film.moment(1.0).words == film.moment(0.95).words == "epoch 10   loss 0.0156", "it rests at the end"


def test_a_path_grows_evenly_where_that_is_asked() -> None:
    film = trajectory(figure_of(plane_panel("3d")), run_result(), pace="length")
    assert isinstance(film, Growth)
    ends = [run_of(film, 0.88 * p) for p in (0.25, 0.5, 0.75)]
    lengths = [np.hypot(np.diff(r.x), np.diff(r.y)).sum() for r in ends]
    assert lengths == pytest.approx(np.array([0.25, 0.5, 0.75]) * np.hypot(0.8, 1.0))


def test_surfaces_over_training_share_their_limits_and_pass_into_one_another() -> None:
    film = training(stages(), (0, 5, 10), ("epoch 0", "epoch 5", "epoch 10"), labels=("first", "second"))
    assert isinstance(film, Course)
    assert {surface_of(film, p).limits for p in (0, 0.3, 0.6, 1)} == {(0.1, 8.0)}
    backwards = training(stages()[::-1], (0, 5, 10), ("a", "b", "c"))
    assert {surface_of(backwards, p).limits for p in (0, 0.3, 0.6, 1)} == {(0.1, 8.0)}
    z = [np.asarray(f.panels[0].surface.z) for f in stages()]  # type: ignore[union-attr]
    assert np.array_equal(surface_of(film, 0.0).z, z[0]) and np.array_equal(surface_of(film, 1.0).z, z[2])
    assert np.array_equal(surface_of(film, 0.88 / 2).z, z[1]) and film.moment(0.88 / 2).words == "epoch 5"
    half = 0.88 * (0.35 + 0.65 / 2) / 2
    assert surface_of(film, half).z == pytest.approx(1.5 * z[0]) and film.moment(half).words == "epoch 0 to epoch 5"
    steps = training(stages(), (0, 5, 10), ("a", "b", "c"), morph=False)
    assert np.array_equal(surface_of(steps, half).z, z[0]) and steps.moment(half).words == "a"
    assert film.figure.panels[0].x.label == "first" and "interpolated" in film.figure.caption
    assert "interpolated" not in steps.figure.caption


def test_between_two_surfaces_a_logarithmic_height_passes_in_the_logarithm() -> None:
    first, second = (f.panels[0].surface for f in stages("log")[::2])
    assert first is not None and second is not None
    assert between(first, second, 0.5).z == pytest.approx(2 * np.asarray(first.z))


def test_what_makes_no_film_says_so() -> None:
    with pytest.raises(QuestionError, match="no surface to turn"):
        turntable(figure_of(chart_panel()))
    with pytest.raises(QuestionError, match="no path"):
        trajectory(figure_of(chart_panel()), run_result())
    with pytest.raises(QuestionError, match="at least two"):
        training(stages()[:1], (0,), ("a",))
    with pytest.raises(LandscapeError, match="642 x 360"):
        FilmSetup(width=641, height=360)
    with pytest.raises(LandscapeError, match="too long"):
        FilmSetup(seconds=600, rate=120)


def decoded(path: Path) -> tuple[list[np.ndarray], dict[str, str], object]:  # type: ignore[type-arg]
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(stream)]
        told = (stream.codec_context.name, stream.pix_fmt, int(stream.average_rate), stream.width, stream.height)
        return frames, dict(container.metadata), told


def test_an_mp4_plays_everywhere_and_says_what_it_shows(tmp_path: Path) -> None:
    film = trajectory(figure_of(plane_panel("3d")), run_result())
    seen: list[tuple[int, int]] = []
    path = write_film(film, tmp_path / "f.mp4", SMALL, on_progress=lambda done, total: seen.append((done, total)))
    frames, metadata, told = decoded(path)
    assert told == ("h264", "yuv420p", 8, 160, 120) and len(frames) == 4
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert metadata["comment"] == film.figure.caption and '"seed": 0' in metadata["description"]
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "the index is in front"
    wanted = film_frames.frame(film, SMALL, 2).astype(float)
    assert np.abs(frames[2].astype(float) - wanted).mean() < 4, "the same picture and colours, but for the compression"
    assert [p.name for p in tmp_path.iterdir()] == ["f.mp4"]


def test_colours_are_those_of_hdtv_and_say_so(tmp_path: Path) -> None:
    """A player that heeds the file's own words shows what was drawn."""
    av = pytest.importorskip("av")
    wanted = np.array([255, 64, 38], np.uint8)
    write_mp4(tmp_path / "f.mp4", [np.broadcast_to(wanted, (120, 160, 3)).copy()] * 3, SMALL, [], {})
    with av.open(str(tmp_path / "f.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (1, 1)
        shown = next(container.decode(stream)).reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
    assert np.abs(shown[60, 80].astype(int) - wanted).max() <= 6


def test_the_same_film_is_the_same_file(tmp_path: Path) -> None:
    film = turntable(figure_of(plane_panel("3d")))
    for suffix in (".mp4", ".gif"):
        first, second = (write_film(film, tmp_path / f"{k}{suffix}", SMALL).read_bytes() for k in "ab")
        assert first == second


def test_a_gif_loops_and_has_one_palette_so_that_nothing_flickers(tmp_path: Path) -> None:
    path = write_film(turntable(figure_of(plane_panel("3d"))), tmp_path / "f.gif", SMALL)
    picture = Image.open(path)
    assert (picture.n_frames, picture.size, picture.info["loop"]) == (4, (160, 120), 0)  # type: ignore[attr-defined]
    corners = set()
    for k in range(4):
        picture.seek(k)
        corners.add(picture.convert("RGB").getpixel((2, 2)))
    assert corners == {(255, 255, 255)}
    assert path.read_bytes().count(b"\x21\xf9\x04") == 4


def test_a_palette_keeps_the_colours_of_path_and_background() -> None:
    samples = [np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)]
    colours = np.asarray(palette_of(samples, DARK).getpalette("RGB")).reshape(-1, 3).tolist()
    assert list(bytes.fromhex(TRAJECTORY[1:])) in colours and list(bytes.fromhex(DARK.background[1:])) in colours
    assert len(colours) == 256


def test_a_webp_is_written(tmp_path: Path) -> None:
    picture = Image.open(write_film(turntable(figure_of(plane_panel("3d"))), tmp_path / "f.webp", SMALL))
    assert (picture.n_frames, picture.size) == (4, (160, 120))  # type: ignore[attr-defined]


def test_planes_and_compositions_are_drawn_too() -> None:
    flat = trajectory(figure_of(plane_panel("2d")), run_result())
    early, late = (film_frames.frame(flat, LARGER, k) for k in (0, 3))
    red = [int(((p[..., 0] > 200) & (p[..., 1] < 110) & (p[..., 2] < 90)).sum()) for p in (early, late)]
    assert early.shape == (360, 480, 3) and red[1] > red[0] + 5, "the path has grown"
    pair = turntable(figure_of(plane_panel("3d"), plane_panel("3d")))
    assert film_frames.frame(pair, FilmSetup(seconds=0.5, rate=8, width=320, height=120), 0).shape == (120, 320, 3)


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".webp"])
def test_a_film_that_is_stopped_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"f{suffix}").write_bytes(b"before")
    seen: list[int] = []
    with pytest.raises(FilmStopped):
        write_film(
            turntable(figure_of(plane_panel("3d"))), tmp_path / f"f{suffix}", SMALL, stopped=lambda: len(seen) > 1,
            on_progress=lambda done, total: seen.append(done),
        )  # fmt: skip
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [(f"f{suffix}", b"before")]


def test_a_missing_library_is_named_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(LandscapeError, match="pip install av"):
        write_film(turntable(figure_of(plane_panel("3d"))), tmp_path / "f.mp4", SMALL)
    assert not list(tmp_path.iterdir())


def test_panels_with_one_colour_bar_leave_it_room_at_the_right() -> None:
    panels = [replace(plane_panel("3d"), bar=False, title=name) for name in "ab"]
    figure = replace(figure_of(chart_panel(), *panels), bars=(SharedBar(panels=(1, 2)),))
    film = turntable(figure)
    assert film.figure.bars[0].panels == (0, 1), "the chart, which does not turn, is left out"
    setup = FilmSetup(seconds=0.5, rate=8, width=640, height=240)
    right = film_frames.frame(film, setup, 0)[:, -30:].reshape(-1, 3)
    without = film_frames.frame(turntable(replace(figure, bars=())), setup, 0)[:, -30:].reshape(-1, 3)
    lowest = (255 * colour_table("viridis")[0]).round()
    assert (np.abs(right - lowest).max(axis=1) < 12).sum() > 20 > (np.abs(without - lowest).max(axis=1) < 12).sum()
