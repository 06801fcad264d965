"""The report of a run: a page, and a picture of each scenario with a row for each client."""

import html
import os

WIDTH, LEFT, ROW, TOP = 900, 90, 46, 34
GOOD, STANDBY, BAD = "#2e7d32", "#1565c0", "#c62828"
STEPS = [("detected", "detected"), ("published", "published"), ("client", "first on the standby")]


def write(folder, results, engine):
    """Writes index.html and a picture for each scenario."""
    os.makedirs(folder, exist_ok=True)
    parts = ["<!doctype html><meta charset=utf-8><title>understudy's lab</title>",
             "<style>body{font:15px sans-serif;max-width:60em;margin:2em auto}table{border-collapse:collapse}"
             "td,th{padding:.2em .8em;border:1px solid #bbb;text-align:right}</style>",
             f"<h1>What clients saw</h1><p>Run in {html.escape(engine)}. Seconds after the fault.</p>"]
    for result in results:
        picture = svg(result)
        with open(f"{folder}/{result['name']}.svg", "w", encoding="utf-8") as file:
            file.write(picture)
        rows = "".join(
            f"<tr><th>{service}</th>" + "".join(f"<td>{'–' if seen[key] is None else seen[key]}</td>" for key in
                                               ("detected", "published", "resolver", "client", "failed")) + "</tr>"
            for service, seen in result["services"].items())
        parts.append(f"<h2>{result['name']}</h2>{picture}<table><tr><th></th><th>detected</th><th>published</th>"
                     f"<th>resolver</th><th>first client on the standby</th><th>failed attempts</th></tr>{rows}</table>")
    with open(f"{folder}/index.html", "w", encoding="utf-8") as file:
        file.write("\n".join(parts))


def svg(result):
    """Draws the attempts of each client over time, and the steps until the standby serves."""
    begin, end = result["fault"] - 5, result["end"]
    place = lambda at: LEFT + (at - begin) / max(1, end - begin) * (WIDTH - LEFT - 10)
    services = result["services"]
    height = TOP + ROW * len(services) + 40
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>']
    for at, label in [(result["fault"], result["name"]), (result["restored"], "restored")]:
        out.append(f'<line x1="{place(at):.1f}" x2="{place(at):.1f}" y1="18" y2="{height - 34}" stroke="#555" stroke-dasharray="4 3"/>')
        out.append(f'<text x="{place(at) + 3:.1f}" y="14">{label}</text>')
    for index, (service, seen) in enumerate(services.items()):
        y = TOP + ROW * index
        out.append(f'<text x="8" y="{y + 20}" font-weight="bold">{service}</text>')
        for one in seen["attempts"]:
            colour = BAD if not one["ok"] else STANDBY if str(one["node"]).endswith("standby") else GOOD
            x = place(one["at"])
            width = max(2.0, place(min(one["end"], end)) - x - 0.5)
            out.append(f'<rect x="{x:.1f}" y="{y + 8}" width="{width:.1f}" height="16" fill="{colour}"/>')
        for key, label in STEPS:
            if seen[key] is not None:
                x = place(result["fault"] + seen[key])
                out.append(f'<path d="M{x:.1f} {y + 25} l-3 6 l6 0 z" fill="#333"><title>{label}: {seen[key]} s</title></path>')
        steps = [f"{label} {seen[key]} s" for key, label in STEPS if seen[key] is not None]
        out.append(f'<text x="{place(result["fault"]):.1f}" y="{y + 42}" font-size="10" fill="#333">{", ".join(steps)}</text>')
    y = height - 22
    for second in range(0, int(end - result["fault"]) + 1, 10):
        x = place(result["fault"] + second)
        out.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle" fill="#555">{second} s</text>')
    for x, colour, label in [(LEFT, GOOD, "answered by a preferred server"), (LEFT + 230, STANDBY, "answered by the standby"), (LEFT + 420, BAD, "failed")]:
        out.append(f'<rect x="{x}" y="{height - 14}" width="10" height="10" fill="{colour}"/><text x="{x + 14}" y="{height - 5}">{label}</text>')
    return "\n".join([*out, "</svg>", ""])
