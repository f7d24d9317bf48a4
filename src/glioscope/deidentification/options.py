"""What the person who exports may choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DeidentificationOptions"]


@dataclass(frozen=True)
class DeidentificationOptions:
    """The options of the profile (PS3.15, E.3) that are asked for.

    Attributes:
        dates: `shift` them by the patient's own number of days, or `remove` them.
        descriptions: Keep the known words of descriptions.
        patient_characteristics: Keep sex, age (90 and above as 90), size, weight, pregnancy and smoking status.
        safe_private: Keep the private elements that the standard lists as safe (diffusion, scaling).
        burned_in: `withhold` an image with text in its pixels, or `blank` that text where it is found; `keep` it where only the
            pixels look like text and the header gives no reason, for who has looked at them.
    """

    dates: Literal["shift", "remove"] = "shift"
    descriptions: bool = True
    patient_characteristics: bool = False
    safe_private: bool = False
    burned_in: Literal["withhold", "blank", "keep"] = "withhold"
