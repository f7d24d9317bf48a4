"""How a glioma grows: a reaction-diffusion simulator, and how well a prediction of growth ranks what came later."""

from glioscope.growth.arrival import arrival_time, front_speed
from glioscope.growth.ranking import RANKING_DEFINITIONS, GrowthRanking, rank_growth, time_of_density
from glioscope.growth.reaction_diffusion import Growth, Seed, simulate
from glioscope.growth.seed_fit import SeedFit, fit_seed
from glioscope.growth.tissue import GrowthParameters, Tissue

__all__ = [
    "RANKING_DEFINITIONS",
    "Growth",
    "GrowthParameters",
    "GrowthRanking",
    "Seed",
    "SeedFit",
    "Tissue",
    "arrival_time",
    "fit_seed",
    "front_speed",
    "rank_growth",
    "simulate",
    "time_of_density",
]
