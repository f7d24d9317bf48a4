"""Sending to and fetching from image archives by DIMSE and DICOMweb, and listening for studies that arrive."""

from glioscope.archive.access import Access, read_login, read_secret
from glioscope.archive.address import Address, check_aet, is_loopback, parse_address
from glioscope.archive.delivery import Delivery, deliver
from glioscope.archive.dicom_file import DicomFile, Identity, hashed, identify, read_dicom_file
from glioscope.archive.fault import InstanceRefused, ServerFault
from glioscope.archive.inbox import Inbox
from glioscope.archive.instance_store import Kept, instance_path, keep_instance
from glioscope.archive.job import Job, Outcome
from glioscope.archive.journal import Journal
from glioscope.archive.receiver import Receiver
from glioscope.archive.retry import Retry
from glioscope.archive.server import FoundStudy, Query, Server, open_server
from glioscope.archive.study import Status, Study

__all__ = [
    "Access",
    "Address",
    "Delivery",
    "DicomFile",
    "FoundStudy",
    "Identity",
    "Inbox",
    "InstanceRefused",
    "Job",
    "Journal",
    "Kept",
    "Outcome",
    "Query",
    "Receiver",
    "Retry",
    "Server",
    "ServerFault",
    "Status",
    "Study",
    "check_aet",
    "deliver",
    "hashed",
    "identify",
    "instance_path",
    "is_loopback",
    "keep_instance",
    "open_server",
    "parse_address",
    "read_dicom_file",
    "read_login",
    "read_secret",
]
