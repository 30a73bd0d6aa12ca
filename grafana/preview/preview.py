"""Draws the boards: preview.py EXPORTER PROMETHEUS FOLDER

Runs the demo of EXPORTER for two minutes under a real Prometheus, asks it what each panel asks, and
writes FOLDER/preview-fleet.svg and FOLDER/preview-exporter.svg. The pictures are plain drawings of the
answers in the layout of the board; Grafana has no part in them.
"""

import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from typing import Any

import draw
import table

SECONDS = 120
STEP = 1
HERE = pathlib.Path(__file__).resolve().parent
BOARDS = HERE.parent / "dashboards"
RULES = HERE.parent.parent / "deploy/prometheus/rules/tracks.yaml"


def main() -> None:
    exporter, prometheus, folder = (str(pathlib.Path(argument).resolve()) for argument in sys.argv[1:])
    with tempfile.TemporaryDirectory() as scratch:
        demo_port, prometheus_port = free_port(), free_port()
        configure(pathlib.Path(scratch), demo_port)
        address = f"127.0.0.1:{prometheus_port}"
        # Prometheus takes some seconds until it scrapes, and is there before the demo.
        watching = start([prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                          f"--web.listen-address={address}"], scratch)
        time.sleep(8)
        playing = start([exporter, "demo", f"--web.listen-address=127.0.0.1:{demo_port}"], scratch)
        try:
            time.sleep(SECONDS)
            end = int(time.time())
            for name in ("fleet", "exporter"):
                board = json.loads((BOARDS / f"{name}.json").read_text())
                answers = {panel["id"]: answer(address, panel, end) for panel in board["panels"] if panel["type"] != "row"}
                picture = draw.board(board, answers, end - SECONDS, end)
                (pathlib.Path(folder) / f"preview-{name}.svg").write_text(picture)
        finally:
            for process in (playing, watching):
                process.terminate()
                process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def configure(folder: pathlib.Path, port: int) -> None:
    configuration = {"rule_files": [str(RULES)], "scrape_configs": [{
        "job_name": "cloudaudit", "scrape_interval": "1s", "scrape_timeout": "1s",
        "static_configs": [{"targets": [f"exporter:{port}"]}],
        "relabel_configs": [
            {"target_label": "__address__", "replacement": f"127.0.0.1:{port}"},
            {"target_label": "instance", "replacement": "exporter:10629"}]}]}
    # JSON is YAML.
    (folder / "prometheus.yml").write_text(json.dumps(configuration))


def start(command: list[str], folder: str) -> subprocess.Popen[bytes]:
    silent = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=folder, stdin=silent, stdout=silent, stderr=silent)


def answer(address: str, panel: dict[str, Any], end: int) -> Any:
    """Rows for a table, else series: a name and the points of each."""
    if panel["type"] == "table":
        frames = {target["refId"]: ask(address, target["expr"], end) for target in panel["targets"]}
        return table.rows(panel, frames)
    series = []
    for target in panel["targets"]:
        instant = target.get("instant", False)
        for one in ask(address, target["expr"], end, None if instant else end - SECONDS):
            points = [one["value"]] if instant else one["values"]
            name = legend(target.get("legendFormat", ""), one["metric"])
            series.append((name, [(float(at), float(value)) for at, value in points]))
    return series


def legend(form: str, labels: dict[str, str]) -> str:
    for label, value in labels.items():
        form = form.replace("{{" + label + "}}", value)
    return form


def ask(address: str, expression: str, end: int, begin: int | None = None) -> list[dict[str, Any]]:
    """What Grafana would send with every variable on All."""
    sent = (expression.replace("$__range_s", str(SECONDS)).replace("$__range", f"{SECONDS}s")
            .replace("$__rate_interval", "8s"))
    for variable in ("job", "instance", "account", "region"):
        sent = sent.replace(f"${variable}", ".+")
    moment = {"time": end} if begin is None else {"start": begin, "end": end, "step": STEP}
    path = "query" if begin is None else "query_range"
    form = urllib.parse.urlencode({"query": sent, **moment}).encode()
    with urllib.request.urlopen(f"http://{address}/api/v1/{path}", form) as response:
        return list(json.load(response)["data"]["result"])


if __name__ == "__main__":
    main()
