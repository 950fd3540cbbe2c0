"""SageMaker in the emulator: its API, its runtime, instances as processes on this machine.

A container image is accepted and ignored: every instance runs `code/inference.py` of its model archive in a
Python process.
"""
