"""A board as an SVG. The background is part of the picture, so it reads the same on light and dark pages."""

import datetime
import math
from html import escape
from typing import Any

COLUMN, ROW, GAP, TOP = 60, 34, 6, 64
INK, FAINT, LINE, PAPER, CARD = "#24292e", "#6e7781", "#d8dee4", "#f4f5f5", "#ffffff"
COLORS = {"green": "#3d9944", "red": "#d9363e", "dark-red": "#a3161d", "orange": "#e0752d", "blue": "#2f6fc4",
           "text": INK, "transparent": INK}
SERIES = ["#3d9944", "#d99a00", "#2f6fc4", "#e0752d", "#d9363e", "#8a4fbf", "#1b9aa0", "#6e7781", "#b5651d", "#c2479b"]
LABEL = "Preview, drawn from real query results of two minutes of the demo. Not a screenshot of Grafana."

Series = list[tuple[str, list[tuple[float, float]]]]
Panel = dict[str, Any]


def board(model: Panel, answers: dict[int, Any], begin: int, end: int) -> str:
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in model["panels"])
    width, height = 24 * COLUMN + 2 * GAP, TOP + rows * ROW + GAP
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
             'font-family="Helvetica, Arial, sans-serif" font-size="12">',
             f"<title>{escape(model['title'])}</title>",
             f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
             words(14, 30, model["title"], size=20, weight="bold"), words(14, 51, LABEL, FAINT, 13)]
    for panel in model["panels"]:
        place = panel["gridPos"]
        x, y = GAP + place["x"] * COLUMN + 3, TOP + place["y"] * ROW + 3
        w, h = place["w"] * COLUMN - 6, place["h"] * ROW - 6
        if panel["type"] == "row":
            parts.append(words(x + 10, y + 20, panel["title"], size=15, weight="bold"))
            continue
        inner = DRAW[panel["type"]](panel, answers[panel["id"]], w - 20, h - 38, begin, end)
        title = shortened(panel["title"], w - 20, 13)
        parts += [f'<g transform="translate({x} {y})">',
                  f'<rect width="{w}" height="{h}" rx="3" fill="{CARD}" stroke="{LINE}"/>',
                  words(10, 19, title, size=13, weight="bold"), f'<g transform="translate(10 30)">{inner}</g></g>']
    return "\n".join([*parts, "</svg>", ""])


def words(x: float, y: float, text: str, fill: str = INK, size: int = 12, anchor: str = "start", weight: str = "") -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    side = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{fill}" font-size="{size}"{side}{bold}>{escape(text)}</text>'


def rectangle(x: float, y: float, w: float, h: float, fill: str, more: str = "") -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(w, 0):.1f}" height="{h:.1f}" fill="{fill}"{more}/>'


def shortened(text: str, width: float, size: int = 12) -> str:
    room = max(int(width / (size * 0.56)), 2)
    return text if len(text) <= room else text[: room - 1] + "…"


def defaults(panel: Panel) -> Panel:
    return dict(panel["fieldConfig"]["defaults"])


def field(panel: Panel, name: str) -> Panel:
    """The settings of a column: the panel's, and what its overrides say."""
    settings = defaults(panel)
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == name:
            settings |= {one["id"]: one["value"] for one in override["properties"]}
    return settings


def colour(settings: Panel, value: Any) -> str:
    for mapping in settings.get("mappings", []):
        chosen = mapping["options"].get(plain(value))
        if chosen:
            return COLORS.get(chosen.get("color", "text"), INK)
    if not isinstance(value, float):
        return INK
    steps = settings["thresholds"]["steps"]
    passed = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return COLORS.get(passed[-1], INK)


def plain(value: Any) -> str:
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def shown(settings: Panel, value: Any) -> str:
    if not isinstance(value, float):
        value = str(value)
    for mapping in settings.get("mappings", []):
        text = mapping["options"].get(plain(value), {}).get("text")
        if text:
            return str(text)
    return with_unit(settings, value) if isinstance(value, float) else value


def with_unit(settings: Panel, value: float) -> str:
    unit = settings["unit"]
    decimals = settings.get("decimals")
    if unit == "dateTimeAsIso":
        return datetime.datetime.fromtimestamp(value / 1000, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
    if unit == "hex":
        return f"{int(value):x}"
    if unit == "percentunit":
        return f"{value * 100:.{1 if decimals is None else decimals}f} %"
    if unit == "s":
        return duration(value)
    if unit == "bytes":
        return f"{value / 2**20:.1f} MiB"
    digits = decimals if decimals is not None else 0 if value.is_integer() else 2
    return f"{value:.{digits}f}" + {"reqps": " req/s", "ops": " ops/s"}.get(unit, "")


def duration(seconds: float) -> str:
    if abs(seconds) >= 120:
        return f"{seconds / 60:.1f} min"
    if abs(seconds) >= 1 or seconds == 0:
        return f"{seconds:.0f} s"
    return f"{seconds * 1000:.0f} ms" if abs(seconds) >= 0.001 else f"{seconds * 1e6:.0f} µs"


def stat(panel: Panel, series: Series, w: float, h: float, begin: int, end: int) -> str:
    settings = defaults(panel)
    if not series:
        return words(w / 2, h / 2, settings.get("noValue", "no data"), FAINT, 16, "middle")
    if len(series) > 1:
        return side_by_side(panel, series, w, h, begin, end)
    points = series[0][1]
    value = points[-1][1]
    tone = colour(settings, value)
    high = max(max(v for _, v in points), 1)
    low = min(min(v for _, v in points), 0)
    across = [((at - begin) / (end - begin) * w, h - (v - low) / (high - low) * h * 0.4) for at, v in points]
    spark = path(across, tone, h)
    return spark + words(w / 2, h * 0.55, shown(settings, value), tone, 34, "middle", "bold")


def side_by_side(panel: Panel, series: Series, w: float, h: float, begin: int, end: int) -> str:
    """Each series as a number of its own, below its name."""
    width = w / len(series)
    drawn = [(index * width, name, stat(panel, [(name, points)], width, h, begin, end))
             for index, (name, points) in enumerate(series)]
    return "".join(f'<g transform="translate({x:.0f} 0)">{words(width / 2, 14, name, FAINT, 12, "middle")}{number}</g>'
                   for x, name, number in drawn)


def path(points: list[tuple[float, float]], tone: str, floor: float | None = None) -> str:
    """Without the points that lie on a straight line between their neighbours; filled down to a floor."""
    kept = [point for at, point in enumerate(points)
            if not 0 < at < len(points) - 1
            or abs(points[at - 1][1] - point[1]) > 0.3 or abs(points[at + 1][1] - point[1]) > 0.3]
    line = "L".join(f"{x:.0f} {y:.1f}" for x, y in kept)
    drawn = f'<path d="M{line}" fill="none" stroke="{tone}" stroke-width="1.4"/>'
    if floor is None:
        return drawn
    area = f"M{kept[0][0]:.0f} {floor:.1f}L{line}L{kept[-1][0]:.0f} {floor:.1f}Z"
    return f'<path d="{area}" fill="{CARD}"/><path d="{area}" fill="{tone}" fill-opacity=".2"/>{drawn}'


def lines(panel: Panel, series: Series, w: float, h: float, begin: int, end: int) -> str:
    settings = defaults(panel)
    if not series:
        return words(w / 2, h / 2, settings.get("noValue", "no data"), FAINT, 14, "middle")
    filled = "stacking" in settings["custom"]
    if filled:
        series = stacked(series)
    limits = [step["value"] for step in settings["thresholds"]["steps"] if step["value"] is not None]
    if settings["custom"]["thresholdsStyle"]["mode"] == "off":
        limits = []
    values = [value for _, points in series for _, value in points if math.isfinite(value)]
    low, high = min([*values, 0.0, *limits]), max([*values, *limits])
    high = low + (high - low) * 1.08 if high > low else low + 1
    left, bottom = 62, h - 40
    def across(at: float) -> float:
        return left + (at - begin) / (end - begin) * (w - left)
    def down(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - 4)
    parts = []
    for part in range(4):
        value = low + (high - low) * part / 3
        parts += [f'<path d="M{left} {down(value):.1f}H{w:.0f}" stroke="{LINE}"/>',
                  words(left - 6, down(value) + 4, with_unit(settings, float(f"{value:.3g}")), FAINT, 10, "end")]
    for second in (0, 60, 120):
        parts.append(words(min(across(begin + second), w - 14), bottom + 14, f"{second} s", FAINT, 10, "middle"))
    for limit in limits:
        parts.append(f'<path d="M{left} {down(limit):.1f}H{w:.0f}" stroke="{COLORS["red"]}" stroke-dasharray="6 4"/>')
    # Of a stack the highest first, so that each covers what is not its own of the one above.
    order = list(enumerate(series))
    for at, (_, points) in reversed(order) if filled else order:
        for run in runs(points):
            parts.append(path([(across(t), down(v)) for t, v in run], SERIES[at % len(SERIES)], bottom if filled else None))
    return "".join(parts) + names(series, left, w, h)


def names(series: Series, left: float, w: float, h: float) -> str:
    """As many as there is room for."""
    parts, room = [], left
    for at, (name, _) in enumerate(series):
        tone, name = SERIES[at % len(SERIES)], shortened(name, 170, 10)
        if room + 22 + len(name) * 5.4 < w:
            parts += [rectangle(room, h - 14, 12, 3, tone), words(room + 16, h - 9, name, FAINT, 10)]
            room += 28 + len(name) * 5.4
        elif room < w:
            parts.append(words(room, h - 9, "…", FAINT, 10))
            room = w
    return "".join(parts)


def runs(points: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Parts without a gap."""
    made: list[list[tuple[float, float]]] = []
    for at, value in points:
        if not math.isfinite(value):
            continue
        if made and at - made[-1][-1][0] <= 1.5:
            made[-1].append((at, value))
        else:
            made.append([(at, value)])
    return made


def stacked(series: Series) -> Series:
    below: dict[float, float] = {}
    made = []
    for name, points in series:
        for at, value in points:
            below[at] = below.get(at, 0.0) + value
        made.append((name, [(at, below[at]) for at, _ in points]))
    return made


def timeline(panel: Panel, series: Series, w: float, h: float, begin: int, end: int) -> str:
    settings = defaults(panel)
    left = min(max(len(name) for name, _ in series) * 5.8 + 8, w * 0.45)
    series = sorted(series)[: int((h - 18) // 14)]
    height = min((h - 18) / len(series), 30)
    scale = (w - left) / (end - begin)
    parts = []
    for row, (name, points) in enumerate(series):
        parts.append(words(left - 6, row * height + height * 0.62, shortened(name, left, 11), INK, 11, "end"))
        start = 0
        for at in range(1, len(points) + 1):
            last = at == len(points)
            if last or points[at][1] != points[start][1] or points[at][0] - points[at - 1][0] > 1.5:
                x, until = left + (points[start][0] - begin) * scale, left + (points[at - 1][0] + 1 - begin) * scale
                parts.append(rectangle(x, row * height + 1, min(until, w) - x, height * 0.85,
                                       colour(settings, points[start][1])))
                start = at
    for second in (0, 60, 120):
        parts.append(words(min(left + second * scale, w - 14), len(series) * height + 14, f"{second} s", FAINT, 10, "middle"))
    return "".join(parts)


def cells(panel: Panel, answer: Any, w: float, h: float, begin: int, end: int) -> str:
    columns, rows = answer
    if not rows:
        return words(w / 2, h / 2, defaults(panel).get("noValue", "no data"), FAINT, 14, "middle")
    fits = int((h - 22) // 22)
    text = {name: [shown(field(panel, name), row[name]) if name in row else "" for row in rows[:fits]] for name in columns}
    need = {name: min(max(len(one) for one in [field(panel, name).get("displayName", name), *text[name]]), 30) + 2
            for name in columns}
    scale = w / sum(need.values())
    parts, x = [], 0.0
    for name in columns:
        settings, width = field(panel, name), need[name] * scale
        kind = settings.get("custom.cellOptions", settings["custom"]["cellOptions"])["type"]
        title = settings.get("displayName", name)
        parts.append(words(x + 3, 13, shortened(title, width, 11), FAINT, 11, weight="bold"))
        for at, one in enumerate(text[name]):
            value = rows[at].get(name)
            tone = colour(settings, value) if kind != "auto" and one else INK
            filled = kind == "color-background" and tone != INK
            if filled:
                parts.append(rectangle(x, 22 + at * 22, width - 2, 20, tone))
            one = one or ("–" if isinstance(value, str) or settings.get("noValue") is None else settings["noValue"])
            faint = FAINT if name not in rows[at] else CARD if filled else tone
            parts.append(words(x + 3, 36 + at * 22, shortened(one, width, 11), faint, 11))
        x += width
    ruled = [f'<path d="M0 {20 + at * 22}H{w:.0f}" stroke="{LINE}"/>' for at in range(min(fits, len(rows)) + 1)]
    return "".join(ruled + parts)


def bars(panel: Panel, series: Series, w: float, h: float, begin: int, end: int) -> str:
    settings = defaults(panel)
    series = sorted(series, key=lambda one: -one[1][-1][1])[: int(h // 44)]
    high = max(points[-1][1] for _, points in series)
    parts = []
    for row, (name, points) in enumerate(series):
        value = points[-1][1]
        parts += [words(0, row * 44 + 14, name, INK, 12), words(w, row * 44 + 14, shown(settings, value), INK, 13, "end", "bold"),
                  rectangle(0, row * 44 + 20, w, 14, PAPER), rectangle(0, row * 44 + 20, w * value / high, 14, colour(settings, value))]
    return "".join(parts)


def pie(panel: Panel, series: Series, w: float, h: float, begin: int, end: int) -> str:
    total = sum(points[-1][1] for _, points in series)
    radius, turn, parts = min(w, h - 40) * 0.42, -math.pi / 2, []
    x, y = w / 2, (h - 24) / 2
    for at, (name, points) in enumerate(sorted(series, key=lambda one: -one[1][-1][1])):
        value = points[-1][1]
        part = min(value / total, 0.9999) * 2 * math.pi
        one, two = turn, turn + part
        d = (f"M{x + radius * math.cos(one):.1f} {y + radius * math.sin(one):.1f}A{radius:.1f} {radius:.1f} 0 "
             f"{int(part > math.pi)} 1 {x + radius * math.cos(two):.1f} {y + radius * math.sin(two):.1f}")
        tone = SERIES[at % len(SERIES)]
        parts += [f'<path d="{d}" fill="none" stroke="{tone}" stroke-width="{radius * 0.45:.0f}"/>',
                  rectangle(at * w / len(series), h - 14, 10, 10, tone),
                  words(at * w / len(series) + 14, h - 5, f"{name} {value:.0f}", INK, 12)]
        turn = two
    return "".join([*parts, words(x, y + 8, f"{total:.0f}", INK, 24, "middle", "bold")])


DRAW = {"stat": stat, "timeseries": lines, "state-timeline": timeline, "table": cells, "bargauge": bars, "piechart": pie}
