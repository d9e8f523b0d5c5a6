"""The simulated clinic and wire-level simulators of vendors. Used by the demo and the tests, never by the product."""
