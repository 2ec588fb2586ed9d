"""The same subjects, doses and outputs by libRoadRunner, run inside a venv of its own (see :mod:`benchmarks.peers`).

python roadrunner_peer.py PARAMETERS.csv OUT.csv: prints seconds a subject (model loading not counted).
"""

import csv
import json
import sys
import time
from pathlib import Path

import numpy as np
import roadrunner  # type: ignore[import-not-found]

SBML = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"><model id="igg">
<listOfCompartments><compartment id="body" size="1" constant="true"/></listOfCompartments>
<listOfSpecies>
<species id="C" compartment="body" initialAmount="0" hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false"/>
<species id="P" compartment="body" initialAmount="0" hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false"/>
</listOfSpecies>
<listOfParameters>{parameters}</listOfParameters>
<listOfRules>
<rateRule variable="C"><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><plus/>
<apply><times/><cn>-1</cn><apply><plus/><ci>k10</ci><ci>k12</ci></apply><ci>C</ci></apply>
<apply><times/><ci>k21</ci><ci>P</ci></apply></apply></math></rateRule>
<rateRule variable="P"><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><minus/>
<apply><times/><ci>k12</ci><ci>C</ci></apply><apply><times/><ci>k21</ci><ci>P</ci></apply></apply></math></rateRule>
</listOfRules></model></sbml>"""


def main(source: str, target: str) -> None:
    with Path(source).open() as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    names = "".join(f'<parameter id="{name}" value="0.1" constant="true"/>' for name in ("k10", "k12", "k21"))
    model = roadrunner.RoadRunner(SBML.format(parameters=names))
    model.integrator.relative_tolerance, model.integrator.absolute_tolerance = 1e-4, 1e-6
    model.timeCourseSelections = ["C"]

    def run() -> np.ndarray:
        out = np.empty((len(rows), 365))
        for place, row in enumerate(rows):
            model.reset()
            model["k10"], model["k12"], model["k21"] = row["CL"] / row["V1"], row["Q"] / row["V1"], row["Q"] / row["V2"]
            for begin in range(0, 364, 21):
                out[place, begin] = model["C"] / row["V1"] + row["BASE"]
                model["C"] = model["C"] + 35.0
                end = min(begin + 21, 364)
                got = model.simulate(begin, end, end - begin + 1)[1:, 0]
                out[place, begin + 1 : end + 1] = np.asarray(got) / row["V1"] + row["BASE"]
        return out

    found = run()
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begin)
    np.savetxt(target, found, delimiter=",")
    print(json.dumps({"ode_s": min(taken) / len(rows), "version": roadrunner.__version__}))


main(*sys.argv[1:])
