"""The dashboards by the types of Grafana 11, 12 and 13, as its frontend is compiled with (make client-files).

Grafana itself is in no package registry; what it makes of a dashboard nobody has seen here.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from observability.dashboards import ALL
from observability.panel import document

from tests.conformance.node import CACHE, package

VERSIONS = {"11": "11.6.16", "12": "12.4.11", "13": "13.2.3"}
FOLDER = CACHE / "grafana-types"
# Each kind of panel: where its types are, and whether fields have options of their own.
KINDS = {
    "timeseries": ("TimeSeries", True),
    "stat": ("Stat", False),
    "table": ("Table", False),
    "state-timeline": ("StateTimeline", True),
    "bargauge": ("BarGauge", False),
    "heatmap": ("Heatmap", True),
}
# A text stands for a member of an enumeration here, as it does in JSON. What an annotation has beyond is of the data
# source for Prometheus (PrometheusAnnotationSupport in @grafana/prometheus).
HEAD = """
import type { Dashboard, Panel } from '@grafana/schema';
type Json<T> = T extends string ? `${T}` : T extends number ? (`${T}` extends `${infer N extends number}` ? N : T)
  : T extends (infer E)[] ? Json<E>[] : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
type Annotation = Json<NonNullable<NonNullable<Dashboard['annotations']>['list']>[number]>
  & { target: { expr: string }, titleFormat: string, textFormat: string };
type Whole = Json<Omit<Dashboard, 'panels' | 'annotations'>> & { annotations: { list: Annotation[] } };
type Field = Json<Omit<NonNullable<Panel['fieldConfig']>['defaults'], 'custom'>>;
type Of<O, C> = Json<Omit<Panel, 'options' | 'fieldConfig'>>
  & { options: Json<O>, fieldConfig: { defaults: Field & { custom?: Json<C> }, overrides: [] } };
"""


def program(documents: list[dict[str, Any]]) -> Iterator[str]:
    """The lines of a program that compiles where the dashboards are what the types say."""
    yield HEAD
    for kind, (name, _) in KINDS.items():
        place = f"@grafana/schema/dist/esm/raw/composable/{kind.replace('-', '')}/panelcfg/x/{name}PanelCfg_types.gen"
        yield f"import type * as {name} from '{place}';"
    for number, whole in enumerate(documents):
        without = {key: value for key, value in whole.items() if key != "panels"}
        yield f"export const d{number}: Whole = {json.dumps(without)};"
        for panel in whole["panels"]:
            name, has_own = KINDS[panel["type"]]
            fields = f"{name}.FieldConfig" if has_own else "{}"
            yield f"export const d{number}p{panel['id']}: Of<{name}.Options, {fields}> = {json.dumps(panel)};"


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """In which the compiler runs; it and the types are installed."""
    return package(
        FOLDER, "typescript@5.9.3", *(f"schema{each}@npm:@grafana/schema@{VERSIONS[each]}" for each in VERSIONS)
    )


def compiled(folder: Path, version: str, documents: list[dict[str, Any]], environment: dict[str, str]) -> str:
    """What the compiler complains of."""
    (folder / "check.ts").write_text("\n".join(program(documents)))
    there = str(FOLDER / "node_modules" / f"schema{version}")
    options = {
        "strict": True, "noEmit": True, "skipLibCheck": True, "target": "es2022", "module": "esnext", "types": [],
        "moduleResolution": "bundler", "paths": {"@grafana/schema": [there], "@grafana/schema/*": [f"{there}/*"]},
    }  # fmt: skip
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["check.ts"]}))
    compiler = [str(FOLDER / "node_modules/.bin/tsc"), "--pretty", "false", "-p", str(folder)]
    return subprocess.run(compiler, env=environment, capture_output=True, text=True, timeout=300, check=False).stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_the_dashboards_are_what_its_types_say(tmp_path: Path, version: str, environment: dict[str, str]) -> None:
    assert compiled(tmp_path, version, [document(each) for each in ALL], environment) == ""


def test_a_key_and_a_value_that_it_does_not_know_are_found(tmp_path: Path, environment: dict[str, str]) -> None:
    whole = document(ALL[0])
    whole["panels"][6]["options"] |= {"rowHigh": 1}
    whole["panels"][7]["options"]["tooltip"]["mode"] = "many"
    whole["panels"][8]["fieldConfig"]["defaults"]["thresholds"] = {"steps": []}
    said = compiled(tmp_path, "13", [whole], environment)
    assert "'rowHigh' does not exist" in said.replace('"', "")
    assert "many" in said
    assert "'mode' is missing" in said
