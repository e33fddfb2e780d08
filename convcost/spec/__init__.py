"""The spec language: a YAML file that reads like the paper's table becomes a layer graph."""
