"""What can be measured of posts without a judge: one module per family.

about.yaml says what each measure is. fit.py compares with pictures, control.py looks for what was asked for,
wording.py counts, variety.py compares posts, toxicity.py and pii.py look for what should not be there. Read measure.py
first.
"""

from components.measures.about import About, about, names_of
from components.measures.batch import Batch, read_batch
from components.measures.measure import Measuring

__all__ = ["About", "Batch", "Measuring", "about", "names_of", "read_batch"]
