"""The kinds of chart of the report, and how they look; each takes a frame and gives SVG.

Colours are the page's CSS variables, so that one drawing fits light and dark. The palette is Okabe and Ito's,
whose colours people with any kind of colour blindness can tell apart. What each figure shows is in `figures`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

import altair as alt
import pandas as pd
import vl_convert

Chart: TypeAlias = Any  # a chart, or layers of charts; Altair declares no types of what its methods return

WIDTH = 380  # of a whole chart: it fits a phone unscaled, and two stand beside each other on a screen
ROW = 20
COLORS = [f"var(--c{number})" for number in range(1, 7)]
_INK, _LINE = "var(--ink)", "var(--line)"
_TEXT = {"labelColor": _INK, "titleColor": _INK, "titleFontWeight": "normal", "labelFontSize": 11}
_CONFIG: dict[str, Any] = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        **_TEXT,
        "gridColor": _LINE,
        "domainColor": _LINE,
        "tickColor": _LINE,
        "labelLimit": 180,
        "labelFlush": False,
    },
    "legend": {**_TEXT, "orient": "top", "title": None, "columns": 3, "labelLimit": 180},
    "range": {"category": COLORS},
    "text": {"color": _INK, "fontSize": 11},
    "rule": {"color": COLORS[0]},
    "point": {"filled": True, "size": 60, "opacity": 1, "color": COLORS[0]},
    "bar": {"color": COLORS[0]},
}
# A colour for each status, the same in every figure.
STATUSES = ["matched", "ambiguous", "below_floor", "no_candidates", "pending", "rejected", "error"]
_IN_THOUSANDS = (
    "datum.value < 1e3 ? datum.value : datum.value < 1e6 ? datum.value / 1e3 + 'k' : datum.value / 1e6 + 'M'"
)
# https://www.w3.org/TR/xml/#charsets
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg(chart: Chart) -> str:
    """The chart as SVG, whose texts are escaped; every mark says its values in words (`aria-label`)."""
    sized = chart.properties(width=WIDTH, autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
    return str(vl_convert.vegalite_to_svg(_as_xml({**sized.to_dict(), "config": _CONFIG})))


def _as_xml(value: Any) -> Any:
    """The value with its texts in characters that XML has: at others vl-convert ends the process."""
    if isinstance(value, str):
        return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {_as_xml(name): _as_xml(one) for name, one in value.items()}
    return [_as_xml(one) for one in value] if isinstance(value, list) else value


def standalone(drawn: str) -> str:
    """A drawing with its colours in it, for where the page's style is not: light, on white."""
    colors = re.findall(
        r"(--\w+): (#\w+)", files("music_assets.report").joinpath("page.html").read_text("utf-8")
    )
    style = ";".join(f"{name}:{color}" for name, color in dict(reversed(colors)).items())
    return drawn.replace("<svg ", f'<svg style="background:#fff;{style}" ', 1)


def bars(frame: pd.DataFrame, name: str, value: str, label: str) -> Chart:
    """A bar a row, in the frame's order, with a text at its end."""
    room = 1 + 0.05 * frame[label].str.len().max()  # for the text
    scale = alt.Scale(domain=[0, room * max(frame[value].max(), 1)])
    base = alt.Chart(frame, height={"step": ROW}).encode(
        y=alt.Y(name, type="nominal", sort=None, title=None),
        x=alt.X(value, type="quantitative", title=None, axis=None, scale=scale),
    )
    return base.mark_bar() + base.mark_text(align="left", dx=4).encode(text=alt.Text(label, type="nominal"))


def shares(frame: pd.DataFrame, group: str, series: list[str]) -> Chart:
    """For each group the share of its `songs` that each of the other columns counts, as points."""
    shares_ = frame[series].div(frame["songs"], axis=0)
    long = shares_.assign(group=frame[group]).melt("group", var_name="series", value_name="share")
    return (
        alt.Chart(long, height={"step": ROW / 2})
        .mark_point()
        .encode(
            y=alt.Y("group:N", sort=None, title=None, axis=alt.Axis(grid=True)),
            yOffset=alt.YOffset("series:N", sort=None),
            x=alt.X("share:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")),
            color=alt.Color("series:N", sort=None),
            shape=alt.Shape("series:N", sort=None),
        )
    )


def histogram(frame: pd.DataFrame, title: str) -> Chart:
    """How many `songs` have a value in each `twentieth` from 0 to 1, a colour for each `status`.

    Most songs are in the last, hence the scale of square roots, on which bars cannot be stacked: those of one
    twentieth stand behind each other, the smaller in front.
    """
    placed = frame.assign(start=frame["twentieth"] / 20, end=(frame["twentieth"] + 1) / 20)
    placed = placed.sort_values("songs", ascending=False)
    there = [status for status in STATUSES if status in set(frame["status"])]
    colors = [COLORS[STATUSES.index(status) % len(COLORS)] for status in there]
    return (
        alt.Chart(placed, height=160)
        .mark_bar()
        .encode(
            x=alt.X("start:Q", bin="binned", title=title, scale=alt.Scale(domain=[0, 1])),
            x2="end:Q",
            y=alt.Y(
                "songs:Q", stack=None, title="songs", scale=alt.Scale(type="sqrt"), axis=alt.Axis(tickCount=5)
            ),
            color=alt.Color("status:N", scale=alt.Scale(domain=there, range=colors)),
        )
    )


def quartiles(frame: pd.DataFrame, group: str, title: str, *, symlog: bool = False) -> Chart:
    """The median of each group as a point, on a line from the lower to the upper quartile."""
    powers = [0, *(10**power for power in range(1, 10))]
    scale = alt.Scale(type="symlog", constant=10) if symlog else alt.Scale(zero=False)
    axis = alt.Axis(values=powers, labelExpr=_IN_THOUSANDS) if symlog else alt.Axis()
    base = alt.Chart(frame, height={"step": ROW}).encode(
        y=alt.Y(group, type="nominal", sort=None, title=None)
    )
    lines = base.mark_rule(strokeWidth=3, opacity=0.5).encode(
        x=alt.X("lower:Q", title=title, scale=scale, axis=axis), x2="upper:Q"
    )
    return lines + base.mark_point().encode(x="median:Q")


def parts(frame: pd.DataFrame, group: str, order: list[str]) -> Chart:
    """For each group the parts of its songs that each `relation` has, in one bar."""
    return (
        alt.Chart(frame.assign(place=frame["relation"].map(order.index)), height={"step": 34})
        .mark_bar()
        .encode(
            y=alt.Y(group, type="nominal", sort=None, title=None),
            x=alt.X("songs:Q", stack="normalize", title=None, axis=alt.Axis(format="%")),
            color=alt.Color("relation:N", scale=alt.Scale(domain=order, range=COLORS[: len(order)])),
            order="place:Q",
        )
    )


def reliability(frame: pd.DataFrame) -> Chart:
    """The share of pairs that are the same recording, by score, with its interval, and as it should be."""
    base = alt.Chart(frame, height=240).encode(
        x=alt.X("middle:Q", title="score", scale=alt.Scale(domain=[0, 1])),
    )
    ideal = alt.Chart(pd.DataFrame({"middle": [0, 1], "share": [0, 1]})).mark_line(
        color=_INK, strokeDash=[4, 4], strokeWidth=1
    )
    share = alt.Y("share:Q", title="the same recording", axis=alt.Axis(format="%"))
    return (
        ideal.encode(x="middle:Q", y="share:Q")
        + base.mark_rule(strokeWidth=2).encode(y=alt.Y("lower:Q"), y2="upper:Q")
        + base.mark_rule(strokeWidth=2).encode(x="from:Q", x2="to:Q", y="share:Q")
        + base.mark_point().encode(y=share)
    )


def world(frame: pd.DataFrame) -> Chart:
    """Points on a map of the world, as large as there are artists."""
    land = alt.Chart(
        alt.InlineData(values=_land(), format={"type": "topojson", "feature": "land"})
    ).mark_geoshape(fill=_LINE, stroke=None, clip=True)
    legend = alt.Legend(format="d", values=sorted({1, int(frame["artists"].max())}))
    points = (
        alt.Chart(frame)
        .mark_circle(color=COLORS[0], opacity=0.7, clip=True)
        .encode(
            latitude="latitude:Q",
            longitude="longitude:Q",
            size=alt.Size("artists:Q", scale=alt.Scale(range=[6, 250]), legend=legend),
        )
    )
    # The whole width, and the Antarctic left out.
    return (
        (land + points).project("naturalEarth1", scale=68, translate=[WIDTH / 2, 108]).properties(height=180)
    )


@cache
def _land() -> Any:
    """Natural Earth's land at 1:110m, in the public domain, as the npm package world-atlas 2.0.2 has it."""
    return json.loads(files("music_assets.report").joinpath("land.json").read_text("utf-8"))
