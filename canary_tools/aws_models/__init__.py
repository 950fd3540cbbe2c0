"""Models of AWS services: what each service accepts, what it refuses and what it does, as plain state on a clock.

The models know no HTTP and no emulator, and start no threads. The sandbox serves them to AWS clients on the wall
clock; the rehearsal runs them on a virtual clock. Each folder holds one service. `api` holds what all services share,
`hosting` joins SageMaker with its auto scaling.
"""
