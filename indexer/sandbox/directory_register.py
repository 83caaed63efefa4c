"""What the FHIR provider directory writes about: NUCC taxonomy, states, and how each state's licence numbers look."""

from indexer.sandbox.draw import Weighted

# (NUCC code, text, prefix of a Washington credential of that profession or "")
TAXONOMY = Weighted(
    {
        ("207Q00000X", "Family Medicine", "MD"): 10,
        ("207R00000X", "Internal Medicine", "MD"): 8,
        ("207X00000X", "Orthopaedic Surgery", "MD"): 3,
        ("2084P0800X", "Psychiatry", "MD"): 4,
        ("163W00000X", "Registered Nurse", "RN"): 14,
        ("363L00000X", "Nurse Practitioner", "AP"): 9,
        ("164W00000X", "Licensed Practical Nurse", "LP"): 3,
        ("363A00000X", "Physician Assistant", "PA"): 6,
        ("104100000X", "Social Worker", "SW"): 5,
        ("1041C0700X", "Clinical Social Worker", "LW"): 9,
        ("101YM0800X", "Mental Health Counselor", "LH"): 9,
        ("106H00000X", "Marriage & Family Therapist", "LF"): 3,
        ("103T00000X", "Psychologist", "PY"): 5,
        ("225100000X", "Physical Therapist", "PT"): 5,
        ("225X00000X", "Occupational Therapist", "OT"): 3,
        ("122300000X", "Dentist", "DE"): 5,
        ("183500000X", "Pharmacist", "PH"): 4,
        ("111N00000X", "Chiropractor", "CH"): 3,
        ("367A00000X", "Advanced Practice Midwife", ""): 1,
        ("101YA0400X", "Addiction (Substance Use Disorder) Counselor", "CP"): 3,
    }
)
BY_PREFIX = {prefix: (code, text) for code, text, prefix in TAXONOMY.options if prefix}
# (state, city, postal code, pattern of a licence number: # is a digit, others stand for themselves, board)
STATES = Weighted(
    {
        ("CA", "Sacramento", "95814", "A######", "Medical Board of California"): 12,
        ("TX", "Austin", "787011204", "Q####", "Texas Medical Board"): 9,
        ("FL", "Tampa", "33602", "ME #####", "Florida Department of Health"): 7,
        ("NY", "Albany", "122070001", "######", "New York State Education Department"): 7,
        ("OR", "Portland", "97204", "20########RN", "Oregon State Board of Nursing"): 4,
        ("NE", "Kearney", "688472944", "#####", "Nebraska Department of Health and Human Services"): 2,
        ("OH", "Columbus", "43215", "35.######", "State Medical Board of Ohio"): 4,
        (
            "MI",
            "Lansing",
            "48933",
            "43010#####",
            "Michigan Department of Licensing and Regulatory Affairs",
        ): 4,
        ("CT", "Hartford", "06103", "00####", "Connecticut Department of Public Health"): 2,
        ("MA", "Boston", "02108", "RN-#######", "Massachusetts Board of Registration"): 3,
        ("MN", "Bloomington", "55425", "R ######-#", "Minnesota Board of Nursing"): 3,
        ("GA", "Atlanta", "303032702", "0#####", "Georgia Composite Medical Board"): 4,
    }
)
WASHINGTON_BOARD = "Washington State Department of Health"
