"""Several raters' masks or probabilities of one exam in, one out; arrays only, no files."""

from glioscope.fusion.agreement import vote_counts, vote_entropy
from glioscope.fusion.composition import questions
from glioscope.fusion.decision import Decision
from glioscope.fusion.fuse_labels import LabelFusion, MaskFusion, fuse_labels, fuse_masks
from glioscope.fusion.majority import at_least, majority, weighted
from glioscope.fusion.methods import METHODS, FusionOptions, Method, get_method
from glioscope.fusion.probabilities import fuse_probabilities, label_probabilities
from glioscope.fusion.simple import simple
from glioscope.fusion.staple import Confusion, staple, staple_labels
from glioscope.fusion.votes import Ballot, Votes
from glioscope.fusion.weights import fit_weights

__all__ = [
    "METHODS",
    "Ballot",
    "Confusion",
    "Decision",
    "FusionOptions",
    "LabelFusion",
    "MaskFusion",
    "Method",
    "Votes",
    "at_least",
    "fit_weights",
    "fuse_labels",
    "fuse_masks",
    "fuse_probabilities",
    "get_method",
    "label_probabilities",
    "majority",
    "questions",
    "simple",
    "staple",
    "staple_labels",
    "vote_counts",
    "vote_entropy",
    "weighted",
]
