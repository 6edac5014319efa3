"""DFT with PySCF, shared by the catalogue; engines are imported only when something runs."""
