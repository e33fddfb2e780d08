"""Sweeps: a design space, its exact costs in blocks over compiled closed forms, and one file of all designs.

`space` says what designs there are and `where` which of them are wanted, `forms` prices many of them at once, `blocks`
cuts a sweep into blocks that any process can compute alone, `output` encodes them, and `parts` is the task of doing
both; `engines` run it in this process, in several, or on a Dask cluster, `store` keeps what is done, and `run` plans a
sweep and puts the file together.
"""
