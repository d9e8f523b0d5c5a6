"""The true eyes of one part's children, before anybody measures them.

The first axis of every eye array is the eye: 0 right, 1 left.
"""

from dataclasses import dataclass

import numpy as np

from hcrm_sim.growth import Floats, Ints, Tendency, Wear, at_days, gained
from hcrm_sim.journeys import Journeys, ages_at_filing, length_of_history
from hcrm_sim.people import People, Persona

OK_RANGE = (-6.00, -0.75)  # D, spherical equivalent that OK lenses are fitted for (clinical pack, definitions)
RADIUS_BOYS, RADIUS_GIRLS = 7.90, 7.79  # mm, mean corneal radius at 8 to 12 years (He 2023)
KERATOMETRIC = 337.5  # D·mm: K = 337.5 / radius
# Axial length on refraction across children of one age: the DIMS control arm gained 0.55 mm for 0.85 D in two years,
# of which an emmetrope of that age gains 0.17 mm (refit of Yii 2023).
MM_PER_DIOPTRE = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """Refraction as cycloplegic spherical equivalent in D, lengths in mm, CCT in µm."""

    start: Ints  # day number at which the paths begin, by child
    tendency: Ints
    se_start: Floats  # by eye and child
    axial_start: Floats
    dioptres_per_mm: Floats  # by child: how much SE falls for each mm gained
    gained: Floats  # by eye, child and month
    cylinder: Floats
    axis: Ints
    k_mean: Floats
    cct: Floats

    def growth_at(self, eye: int, *, child: Ints, day: Ints) -> Floats:
        """mm gained since the start by one eye of these children on these days."""
        return at_days(self.gained[eye], child=child, days=day - self.start[child])

    def axial_at(self, eye: int, *, child: Ints, day: Ints) -> Floats:
        return np.asarray(self.axial_start[eye][child] + self.growth_at(eye, child=child, day=day))

    def refraction_at(self, eye: int, *, child: Ints, day: Ints) -> Floats:
        fall = self.dioptres_per_mm[child] * self.growth_at(eye, child=child, day=day)
        return np.asarray(self.se_start[eye][child] - fall)


def make_eyes(rng: np.random.Generator, people: People, *, journeys: Journeys, today: int) -> Eyes:
    """True eyes of everybody from filing until today."""
    count = len(people)
    tendency = _tendencies(rng, people)
    age = ages_at_filing(people)
    right = _refraction_at_filing(rng, people, tendency=tendency, age=age)
    se_start = np.stack([right, right + rng.normal(0, 0.45, count)])
    se_start = _fit_for_treatment(se_start, journeys)
    vigour = rng.lognormal(-(0.35**2) / 2, 0.35, count)
    restless = np.where((people.persona == Persona.ADULT) & (rng.random(count) < 0.15), 0.35, 0.0)
    wear = journeys.monthly(start=people.filed, months=length_of_history(people, today=today))
    paths = [
        gained(
            age,
            tendency=tendency,
            vigour=vigour * rng.lognormal(-(0.1**2) / 2, 0.1, count),
            wear=wear,
            extra_rate=restless,
        )
        for _ in range(2)
    ]
    deviation = rng.normal(0, 0.5, count)  # how much longer or shorter a whole eye is than its refraction says
    cylinder = _cylinders(rng, count=count)
    return Eyes(
        start=people.filed,
        tendency=tendency,
        se_start=se_start,
        axial_start=_axial_length(people, age=age, se=se_start) + deviation + rng.normal(0, 0.08, (2, count)),
        dioptres_per_mm=_dioptres_per_mm(rng, tendency=tendency),
        gained=np.stack(paths),
        cylinder=cylinder,
        axis=_axes(rng, cylinder=cylinder),
        k_mean=_k_mean(people, deviation=deviation) + rng.normal(0, 0.3, (2, count)),
        cct=rng.normal(554.2, 35.5, count) + rng.normal(0, 5, (2, count)),  # Jinan, 7 to 18 years (Wei 2014)
    )


def _tendencies(rng: np.random.Generator, people: People) -> Ints:
    drawn = rng.choice(len(Tendency), size=len(people), p=[0.5, 0.4, 0.1])
    hyperope_in_spectacles = (people.persona == Persona.SINGLE_VISION) & (rng.random(len(people)) < 0.05)
    usual = np.where(hyperope_in_spectacles, Tendency.HYPEROPE, Tendency.MYOPE)
    return np.where(people.persona == Persona.POTENTIAL, drawn, usual)


def _refraction_at_filing(rng: np.random.Generator, people: People, *, tendency: Ints, age: Floats) -> Floats:
    count = len(people)
    myope = -0.75 - rng.gamma(2.0, 0.55, count) - np.clip(age - 9, 0, 6) * 0.2
    not_yet = rng.normal(0.1, 0.5, count)
    emmetrope = rng.normal(0.6, 0.35, count) + np.clip(8 - age, 0, 5) * 0.12  # consensus 2022: −0.12 D a year
    hyperope = np.maximum(rng.normal(2.3, 0.8, count), 1.2)
    future_myope = np.where(people.persona == Persona.POTENTIAL, not_yet, myope)
    return np.select([tendency == Tendency.MYOPE, tendency == Tendency.EMMETROPE], [future_myope, emmetrope], hyperope)


def _fit_for_treatment(se: Floats, journeys: Journeys) -> Floats:
    """Who is to be fitted with OK lenses begins where they can be fitted, and has room to grow."""
    least, most = OK_RANGE
    treated = (journeys.first == Wear.OK_LENS) | (journeys.second == Wear.OK_LENS)
    return np.where(treated, np.clip(se, least + 2.0, most - 0.25), se)


def _axial_length(people: People, *, age: Floats, se: Floats) -> Floats:
    """Of an emmetrope of that age (refit of Yii 2023), shifted by sex (He 2023) and by the refraction."""
    emmetrope = 23.716 - 5.424 * np.exp(-0.2993 * age)
    by_sex = np.where(people.boy, 0.24, -0.24)
    return np.asarray(emmetrope + by_sex + (0.5 - se) * MM_PER_DIOPTRE)


def _dioptres_per_mm(rng: np.random.Generator, *, tendency: Ints) -> Floats:
    """Myopes as in the untreated arms of DIMS, HAL and LAMP (1.5 to 2.1 D/mm); others lose 0.12 D a year."""
    count = len(tendency)
    myope = np.clip(rng.normal(1.75, 0.2, count), 1.3, 2.2)
    other = np.clip(rng.normal(0.5, 0.1, count), 0.2, 0.8)
    return np.where(tendency == Tendency.MYOPE, myope, other)


def _cylinders(rng: np.random.Generator, *, count: int) -> Floats:
    child = rng.gamma(1.3, 0.45, count)
    eyes = np.maximum(child + rng.normal(0, 0.2, (2, count)), 0)
    return np.asarray(-np.round(np.minimum(eyes, 3.5) * 4) / 4 + 0.0)


def _axes(rng: np.random.Generator, *, cylinder: Floats) -> Ints:
    """Mostly with the rule, around 180 degrees."""
    degrees = np.round(rng.normal(180, 14, cylinder.shape)).astype(np.int64) % 180
    return np.where(degrees == 0, 180, degrees)


def _k_mean(people: People, *, deviation: Floats) -> Floats:
    radius = np.where(people.boy, RADIUS_BOYS, RADIUS_GIRLS) + 0.25 * deviation
    return np.asarray(KERATOMETRIC / radius)
