"""GFN-xTB of molecules, shared by the catalogue; engines are imported only when something runs."""
