"""Its unit of work: files are copied to a computer, a scheduler starts a command there, and what it
wrote is fetched. Here the computer is this one, and the scheduler a process started directly."""

from typing import Any

from aiida.common import CalcInfo, CodeInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJob, CalcJobProcessSpec
from aiida.orm import List, SinglefileData

OUTPUT = "figure.txt"
GIVEN = "molecule.xyz"


class Figure(CalcJob):
    """A command that prints the figure it finds."""

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:
        super().define(spec)
        spec.input("arguments", valid_type=List)
        spec.input("molecule", valid_type=SinglefileData, required=False)
        spec.inputs["metadata"]["options"]["resources"].default = {
            "num_machines": 1,
            "num_mpiprocs_per_machine": 1,
        }

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        command = CodeInfo()
        command.code_uuid = self.inputs.code.uuid
        command.cmdline_params = self.inputs.arguments.get_list()
        command.stdout_name = OUTPUT
        wanted = CalcInfo()
        wanted.codes_info = [command]
        wanted.retrieve_list = [OUTPUT]
        if "molecule" in self.inputs:
            given: Any = self.inputs.molecule
            wanted.local_copy_list = [(given.uuid, given.filename, GIVEN)]
        return wanted
