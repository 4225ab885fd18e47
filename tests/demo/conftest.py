"""The demo's own modules, as a program that runs beside them imports them."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'demo'))
