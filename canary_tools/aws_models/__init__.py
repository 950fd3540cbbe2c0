"""Models of AWS services: what each accepts, refuses and does, as pure state on a clock.

No HTTP, no emulator, no threads of their own: the sandbox puts them behind real protocols on the wall clock, the
rehearsal runs them on a virtual one. A folder holds one service; `api` holds what all of them share, `hosting`
joins SageMaker with its auto scaling.
"""
