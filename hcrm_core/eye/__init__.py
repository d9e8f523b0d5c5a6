"""Eye maths: refraction, notation, plausibility, ages and percentiles. Pure functions over exact decimals."""
