"""Copies of exams that can leave the hospital: nobody named in them, and nothing that hides."""

from glioscope.deidentification.clean_dataset import DatasetCleaner
from glioscope.deidentification.clean_instance import clean_instance, method_codes, quiet_pydicom, read_dataset
from glioscope.deidentification.clean_nifti import clean_nifti
from glioscope.deidentification.date_shift import DateShift
from glioscope.deidentification.identity import Identity, identity_text
from glioscope.deidentification.options import DeidentificationOptions
from glioscope.deidentification.profile import PROFILE_EDITION
from glioscope.deidentification.pseudonym_table import PseudonymTable
from glioscope.deidentification.pseudonyms import first_level, second_level
from glioscope.deidentification.secret_key import SecretKey
from glioscope.deidentification.table_lock import table_lock
from glioscope.deidentification.tally import Tally
from glioscope.deidentification.uids import new_uid
from glioscope.deidentification.withheld import Withheld

__all__ = [
    "PROFILE_EDITION",
    "DatasetCleaner",
    "DateShift",
    "DeidentificationOptions",
    "Identity",
    "PseudonymTable",
    "SecretKey",
    "Tally",
    "Withheld",
    "clean_instance",
    "clean_nifti",
    "first_level",
    "identity_text",
    "method_codes",
    "new_uid",
    "quiet_pydicom",
    "read_dataset",
    "second_level",
    "table_lock",
]
