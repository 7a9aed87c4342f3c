"""The JupyterLab extension without a browser: its sources, its types, its bundle."""
