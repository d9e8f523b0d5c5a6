"""A cable to the centre that can be pulled: a TCP proxy whose faults are switched while it runs (docs/simulation.md).

For the demo and the fault tests. It knows TCP, and of HTTP only how to answer 502.
"""
