"""What Washington's Department of Health writes about: credential types and every status word seen in its data.

The prefix of a credential number tells the type; `NA` is a nursing assistant, and no missing value.
"""

from indexer.sandbox.draw import Weighted

# (type, prefix): weight
TYPES = Weighted(
    {
        ("Registered Nurse License", "RN"): 20,
        ("Nursing Assistant Certification", "NC"): 13,
        ("Nursing Assistant Registration", "NA"): 9,
        ("Home Care Aide Certification", "HM"): 6,
        ("Medical Assistant Certification", "CM"): 6,
        ("Physician And Surgeon License", "MD"): 7,
        ("Licensed Practical Nurse License", "LP"): 4,
        ("Advanced Registered Nurse Practitioner License", "AP"): 3,
        ("Agency Affiliated Counselor Registration", "CG"): 5,
        ("Mental Health Counselor License", "LH"): 4,
        ("Mental Health Counselor Associate License", "MC"): 2,
        ("Social Worker Independent Clinical License", "LW"): 3,
        ("Social Worker Advanced License", "SW"): 0.5,
        ("Social Worker Associate Independent Clinical License", "SC"): 1.5,
        ("Marriage And Family Therapist License", "LF"): 1,
        ("Marriage And Family Therapist Associate License", "MG"): 0.5,
        ("Substance Use Disorder Professional Certification", "CP"): 1.5,
        ("Substance Use Disorder Professional Trainee Certification", "CO"): 1,
        ("Certified Counselor Certification", "CL"): 0.3,
        ("Psychologist License", "PY"): 1,
        ("Physician Assistant License", "PA"): 1,
        ("Osteopathic Physician And Surgeon License", "OP"): 0.8,
        ("Physical Therapist License", "PT"): 2,
        ("Occupational Therapist License", "OT"): 1,
        ("Speech Language Pathologist License", "LL"): 0.8,
        ("Pharmacist License", "PH"): 2,
        ("Dentist License", "DE"): 1.5,
        ("Dental Hygienist License", "DH"): 1.2,
        ("Midwife License", "MW"): 0.1,
        ("Chiropractor License", "CH"): 0.7,
        ("Naturopathic Physician License", "NT"): 0.3,
        ("Massage Therapist License", "MA"): 2.5,
        ("Behavioral Health Support Specialist Certification", "BS"): 0.1,
    }
)
ACTIVE = "Active"
EXPIRED = "Expired"
# Weight of each word; the dash in "Expired – Active MSL" is an en dash.
STATUSES = Weighted(
    {
        ACTIVE: 47,
        EXPIRED: 36,
        "Inactive": 2,
        "Retired": 1.5,
        "Retired Active": 0.6,
        "Closed": 2,
        "Superseded": 2,
        "Pending": 2,
        "Suspended": 0.8,
        "Summary Suspension": 0.15,
        "Revoked": 0.4,
        "Surrender": 0.15,
        "Voluntary Surrender": 0.25,
        "Terminated": 0.15,
        "Active On Probation": 0.3,
        "Active With Conditions": 0.5,
        "Active With Restrictions": 0.3,
        "Active Provisional": 0.1,
        "Active Not Renewable": 0.2,
        "Military": 0.2,
        "Expired – Active MSL": 0.2,
        "Inoperable": 0.1,
        "Approved": 0.1,
        "Denied": 0.2,
        # A word nobody has mapped: an authority may begin to use one any day.
        "Active Awaiting Board Review": 0.05,
    }
)
NEVER_ISSUED = frozenset({"Pending", "Approved", "Denied"})
IN_FORCE = frozenset(
    {
        ACTIVE,
        "Active On Probation",
        "Active With Conditions",
        "Active With Restrictions",
        "Active Provisional",
        "Active Not Renewable",
        "Retired Active",
        "Military",
        "Active Awaiting Board Review",
        "Pending",
        "Approved",
    }
)
DISCIPLINED = frozenset(
    {
        "Suspended",
        "Summary Suspension",
        "Revoked",
        "Surrender",
        "Voluntary Surrender",
        "Active On Probation",
        "Active With Conditions",
        "Active With Restrictions",
    }
)
