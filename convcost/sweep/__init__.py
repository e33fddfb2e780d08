"""Sweeps: a design space, its exact costs in blocks over compiled closed forms, and one file of all designs.

`space` says what designs there are, `forms` prices many of them at once, `blocks` cuts a sweep into blocks that any
process can compute alone, `output` encodes them, `run` computes them, keeps them, and puts the file together; `dask` is
the engine beyond one machine.
"""
