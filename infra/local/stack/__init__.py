"""The whole of Usher on one machine: see README.md in the folder above."""
