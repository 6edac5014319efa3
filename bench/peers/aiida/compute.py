"""The molecule as a command, from XYZ in the file that is named: prints what was found."""

import sys
from pathlib import Path

from bench.peers import jobs

if __name__ == "__main__":
    print(jobs.figure(jobs.molecule(Path(sys.argv[1]).read_text())))
