# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs
"""What a script that redraws a figure is put together from: each function as it stands here, where the figure needs it.

They use numpy and matplotlib alone and call only one another, are short, and say what a reader may want to change; they have no
type annotations, which would be noise in a script of one's own.
"""

import matplotlib.patheffects as effects
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize


def colours(limits, log):
    """From values to places on the colour map."""
    return LogNorm(*limits) if log else Normalize(*limits)


def relief(axes, x, y, z, limits, log, cmap, levels, camera, height, zoom, shading):
    """The surface in 3-D, cut off beyond the limits. On a logarithmic scale the height is the decimal logarithm."""
    up = np.log10 if log else np.asarray
    if np.nanmax(z) > limits[1] or np.nanmin(z) < limits[0]:
        x, y, z = finer(x, y, z)
    with np.errstate(invalid="ignore", divide="ignore"):
        shown = np.where((z >= limits[0]) & (z <= limits[1]), z, np.nan)
        heights = up(shown)
    norm = colours(limits, log)
    places = (heights - up(limits[0])) / (up(limits[1]) - up(limits[0]))
    cells = (places[1:, 1:] + places[1:, :-1] + places[:-1, 1:] + places[:-1, :-1]) / 4
    paint = plt.get_cmap(cmap)(cells)
    if shading:
        down, right = np.gradient(places * height, np.linspace(0, 1, len(y)), np.linspace(0, 1, len(x)))
        normal = np.stack([-right, -down, np.ones(z.shape)], axis=-1) / np.sqrt(1 + right**2 + down**2)[..., None]
        turn, tilt = np.radians(camera[1] - 42), np.radians(42)
        light = np.array([np.cos(turn) * np.cos(tilt), np.sin(turn) * np.cos(tilt), np.sin(tilt)])
        lit = 0.6 + 0.5 * np.clip(np.nan_to_num(normal @ light, nan=0.8), 0, 1)
        paint[..., :3] = np.clip(paint[..., :3] * (1 + shading * (lit[:-1, :-1] - 1))[..., None], 0, 1)
    across, along = np.meshgrid(x, y)
    every = {"rstride": 1, "cstride": 1, "antialiased": False}
    axes.plot_surface(across, along, heights, facecolors=paint, shade=False, zorder=1, **every)
    for level in levels:
        axes.contour(x, y, heights, levels=[up(level)], colors="black", linestyles="solid", alpha=0.35, linewidths=0.4)
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), zlim=(up(limits[0]), up(limits[1])))
    axes.set_box_aspect((1, 1, height), zoom=zoom)
    axes.view_init(elev=camera[0], azim=camera[1])
    axes.set_proj_type("persp", focal_length=camera[2])
    axes.computed_zorder = False
    axes.tick_params(pad=-2)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.labelpad = 1
        axis.set_pane_color((1, 1, 1, 0))
        axis._axinfo["grid"].update(linewidth=0.3, color=(0.5, 0.5, 0.5, 0.3))
    return ScalarMappable(norm, cmap)


def finer(x, y, z):
    """The surface with more points between its own, so that it is cut along its limits and not in teeth."""
    n = max(1, 150 // max(z.shape))
    rows, columns = (np.linspace(0, k - 1, n * (k - 1) + 1) for k in z.shape)
    wide = np.array([np.interp(columns, np.arange(len(x)), row) for row in z])
    high = np.array([np.interp(rows, np.arange(len(y)), column) for column in wide.T]).T
    return np.interp(columns, np.arange(len(x)), x), np.interp(rows, np.arange(len(y)), y), high


def plane(axes, x, y, z, limits, log, cmap, levels, names, inks, holes):
    """The surface from above: colours interpolated between the points, contour lines with their values."""
    if holes:
        axes.axhspan(y[0], y[-1], facecolor="none", edgecolor="grey", hatch="//////", linewidth=0, zorder=0)
    z = np.ma.masked_invalid(np.where((z > 0) | (not log), z, np.nan))
    norm = colours(limits, log)
    picture = axes.pcolormesh(x, y, z, norm=norm, cmap=cmap, shading="gouraud", rasterized=True, zorder=1)
    if levels:
        lines = axes.contour(x, y, z, levels=levels, colors=inks, linewidths=0.45, alpha=0.75, zorder=2)
        shown = dict(zip(lines.levels, names))  # noqa: B905
        axes.clabel(lines, lines.levels[::2], fontsize=0.72 * plt.rcParams["font.size"], fmt=shown, inline_spacing=2)
    ratio = abs((y[-1] - y[0]) / (x[-1] - x[0]))
    if 0.4 <= ratio <= 2.5:
        axes.set_aspect("equal")
    else:
        axes.set_box_aspect(0.9)
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    return picture


def heat_map(axes, x, y, z, limits, log, cmap):
    """Cells of colour; x and y are their borders."""
    z = np.ma.masked_invalid(np.where((z > 0) | (not log), z, np.nan))
    return axes.pcolormesh(x, y, z, norm=colours(limits, log), cmap=cmap, rasterized=True, zorder=1)


def trajectory(axes, colour, *points, stops=None, dash=False):
    """A path with its checkpoints, start and end; without stops a bare line. In 3-D with the heights."""
    casing = [effects.Stroke(linewidth=1.9, foreground="white", alpha=0.85), effects.Normal()]
    style = (0, (3.5, 2)) if dash else "-"
    axes.plot(*points, color=colour, linewidth=1.0, linestyle=style, zorder=4, path_effects=casing)
    if stops is not None:
        axes.plot(*(p[1:-1] for p in stops), "o", ms=1.9, mfc="white", mec=colour, mew=0.5, zorder=5)
        axes.plot(*(p[:1] for p in stops), "o", ms=4.0, mfc="white", mec="#1A1A1A", mew=0.6, zorder=6)
        axes.plot(*(p[-1:] for p in stops), "*", ms=7.5, mfc="#FFD11A", mec="#1A1A1A", mew=0.5, zorder=6)


def needles(axes, x, height, colour, label):
    """Upright lines from the foot of the panel, with heads."""
    foot = axes.get_ylim()[0] if axes.get_yscale() == "log" else 0.0
    axes.vlines(x, foot, height, color=colour, linewidth=0.85, zorder=3.5)
    axes.plot(x, height, "o", ms=3.4, mfc=colour, mec="white", mew=0.4, zorder=4, clip_on=False, label=label)


def bars(axes, places, values, thick, colour, label, errors=None):
    """Lying bars with their errors."""
    foot = axes.get_xlim()[0] if axes.get_xscale() == "log" else 0.0
    axes.barh(places, values - foot, 0.9 * thick, left=foot, color=colour, label=label, zorder=2, linewidth=0)
    if errors is not None:
        known = np.isfinite(values) & np.isfinite(errors)
        look = {"fmt": "none", "ecolor": plt.rcParams["text.color"], "elinewidth": 0.65, "capsize": 1.6, "zorder": 3}
        axes.errorbar(values[known], places[known], xerr=errors[known], **look)


def rule(axes, at, upright, label, dash):
    """A straight line across the panel, named at its end."""
    style = {"color": "grey", "linewidth": 0.75, "linestyle": (0, (3, 2)) if dash else "-", "zorder": 2.5}
    text = {"fontsize": plt.rcParams["xtick.labelsize"], "color": "grey", "textcoords": "offset points"}
    if upright:
        axes.axvline(at, **style)
        axes.annotate(label, (at, 1), (0, 2), xycoords=("data", "axes fraction"), ha="center", va="bottom", **text)
    else:
        axes.axhline(at, **style)
        axes.annotate(label, (1, at), (-2, 2), xycoords=("axes fraction", "data"), ha="right", va="bottom", **text)


def note(axes, text, corner):
    """A sentence in a corner."""
    upper, right = float(corner.startswith("top")), float(corner.endswith("right"))
    place = {"xycoords": "axes fraction", "xytext": (4 - 8 * right, 4 - 8 * upper), "textcoords": "offset points"}
    sides = {"ha": "right" if right else "left", "va": "top" if upper else "bottom"}
    axes.annotate(text, (right, upper), **place, **sides)


def names_of(axes, x, y, names):
    """Names beside places."""
    for across, up, name in zip(x, y, names):  # noqa: B905
        box = {"boxstyle": "round,pad=0.12", "fc": "white", "alpha": 0.8, "lw": 0}
        axes.annotate(name, (across, up), (4.5, 4.0), textcoords="offset points", color="#14141C", bbox=box, zorder=6)


def legend(axes, columns, *others):
    """Below the axes, outside the data."""
    found = [one.get_legend_handles_labels() for one in (axes, *others)]
    handles, labels = [h for f in found for h in f[0]], [name for f in found for name in f[1]]
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "borderaxespad": 4.2}
    axes.legend(handles, labels, ncols=columns, frameon=False, **place)
