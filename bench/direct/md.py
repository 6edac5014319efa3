"""`md.py SETTINGS.json`: Langevin dynamics of a peptide by OpenMM, with its usual reporters."""

import json
import sys
from pathlib import Path

import openmm
from openmm import app, unit


def main() -> None:
    asked = json.loads(Path(sys.argv[1]).read_text())
    pdb = app.PDBFile(asked["pdb"])
    system = openmm.XmlSerializer.deserialize(Path(asked["system"]).read_text())
    system.addForce(openmm.CMMotionRemover())
    step = asked["timestep_fs"] * unit.femtosecond
    integrator = openmm.LangevinMiddleIntegrator(300 * unit.kelvin, 1 / unit.picosecond, step)
    platform = openmm.Platform.getPlatformByName(asked["platform"])
    threads = {"Threads": str(asked["threads"])} if asked["platform"] == "CPU" else {}
    run = app.Simulation(pdb.topology, system, integrator, platform, threads)
    run.context.setPositions(pdb.positions)
    run.minimizeEnergy()
    run.context.setVelocitiesToTemperature(300 * unit.kelvin, 42)
    run.step(asked["equilibration_steps"])
    every = asked["interval"]
    run.reporters.append(app.DCDReporter("md.dcd", every))
    run.reporters.append(
        app.StateDataReporter(
            "md.csv", every, step=True, temperature=True, potentialEnergy=True, kineticEnergy=True
        )
    )
    run.reporters.append(app.CheckpointReporter("md.chk", 100 * every))
    run.step(asked["production_steps"])
    energy = run.context.getState(energy=True).getPotentialEnergy()
    print(json.dumps({"figure": energy.value_in_unit(unit.kilojoule_per_mole)}))


if __name__ == "__main__":
    main()
