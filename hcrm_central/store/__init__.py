"""Engine, tables of the centre alone, migrations and row security."""
