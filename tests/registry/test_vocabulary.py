import tomllib
from pathlib import Path

import pytest

from registry.errors import SettingsError
from registry.records.facts import Status
from registry.settings import CONFIG
from registry.vocabulary import RESTRICTION_KINDS, STATUSES, Vocabulary, fold_word, load_vocabulary


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary()


# Types as the data set writes them, in capitals before its new licensing system and in title case since.
WASHINGTON_TYPES = [
    ("Registered Nurse License", "registered-nurse"),
    ("REGISTERED NURSE LICENSE", "registered-nurse"),
    ("Registered Nurse Temporary Practice Permit", "registered-nurse"),
    ("Advanced Registered Nurse Practitioner License", "advanced-practice-nurse"),
    ("Advanced Registered Nurse Practitioner Anesthetist License", "nurse-anesthetist"),
    ("Advanced Registered Nurse Practitioner Clinical Specialist License", "advanced-practice-nurse"),
    ("Nursing Assistant Certification", "certified-nursing-assistant"),
    ("Nursing Assistant Registration", "registered-nursing-assistant"),
    ("Licensed Practical Nurse", "practical-nurse"),
    ("Physician And Surgeon License", "physician"),
    ("Osteopathic Physician & Surgeon License", "physician"),
    ("Physician and Surgeon License Interstate Medical Licensure Compact", "physician"),
    ("Physician And Surgeon Residency License", "physician-in-training"),
    ("Physician And Surgeon Limited License", "physician-in-training"),
    ("Physician Assistant License", "physician-assistant"),
    ("Naturopathic Physician License", "naturopath"),
    ("Social Worker Independent Clinical License", "social-worker"),
    ("Social Worker Associate Independent Clinical License", "social-worker-associate"),
    ("Mental Health Counselor License", "mental-health-counselor"),
    ("Mental Health Counselor Associate License", "mental-health-counselor-associate"),
    ("Counselor Agency Affiliated Registration", "agency-affiliated-counselor"),
    ("Counselor Registration", "counselor"),
    ("Counselor Certification", "certified-counselor"),
    ("Substance Use Disorder Professional Certification", "substance-use-counselor"),
    ("Psychologist License", "psychologist"),
    ("Dentist License", "dentist"),
    ("Dental Assistant Registration", "dental-assistant"),
    ("Pharmacist License", "pharmacist"),
    ("Pharmacy Assistant License", "pharmacy-assistant"),
    ("Physical Therapist License", "physiotherapist"),
    ("Occupational Therapist License", "occupational-therapist"),
    ("Midwife License", "midwife"),
    ("Health Care Assistant Certification", "health-care-assistant"),
    ("Home Care Aide Certification", "home-care-aide"),
    ("Medical Assistant Certification", "medical-assistant"),
    ("Medical Assistant Registration", "registered-medical-assistant"),
    # Not listed: kept as it is, for a human.
    ("Medical Assistant Interim Certification", "unknown"),
    ("Dental Hygienist Initial Limited License", "unknown"),
    ("Beekeeper License", "unknown"),
    ("", "unknown"),
    ("License", "unknown"),
]


@pytest.mark.parametrize(("raw", "code"), WASHINGTON_TYPES)
def test_washington_credential_types(vocabulary: Vocabulary, raw: str, code: str) -> None:
    assert vocabulary.profession("washington", raw) == code


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("Active", "active"),
        ("ACTIVE", "active"),
        ("Active in Renewal", "active"),
        ("Active Not Renewable", "active"),
        ("Active With Conditions", "restricted"),
        ("Active On Probation", "restricted"),
        ("Active With Restrictions", "restricted"),
        ("Active Provisional", "restricted"),
        ("Retired Active", "restricted"),
        ("Suspended", "suspended"),
        ("Summary Suspension", "suspended"),
        ("Revoked", "revoked"),
        ("Surrender", "surrendered"),
        ("Voluntary Surrender", "surrendered"),
        ("Terminated", "lapsed"),
        ("Expired", "lapsed"),
        ("Inactive", "lapsed"),
        ("Retired", "lapsed"),
        ("Deceased", "deceased"),
        ("Expired – Active MSL", "unknown"),
        ("EXPIRED WA - ACTIVE MSL", "unknown"),
        ("Superseded", "unknown"),
        ("Pending", "unknown"),
        ("Approved", "unknown"),
        ("Denied", "unknown"),
        ("Closed", "unknown"),
        ("Military", "unknown"),
        ("Inoperable", "unknown"),
        ("Active Since The Flood", "unknown"),
        ("", "unknown"),
    ],
)
def test_washington_statuses(vocabulary: Vocabulary, raw: str, status: Status) -> None:
    assert vocabulary.status("washington", raw) == status


def test_only_listed_words_of_washington_are_active(vocabulary: Vocabulary) -> None:
    words = tomllib.loads((CONFIG / "vocabulary" / "washington.toml").read_text("utf-8"))["statuses"]
    active = {word for word in words if vocabulary.status("washington", word) == "active"}
    assert active == {"active", "active in renewal", "active print license", "active not renewable"}


@pytest.mark.parametrize(
    ("code", "profession"),
    [
        ("NA", "naprapath"),
        ("HK", "health-care-counsellor"),
        ("LK", "physician"),
        ("SJ", "registered-nurse"),
        ("FT", "physiotherapist"),
        ("SG", "physiotherapist"),
        ("ZZ", "unknown"),
        ("", "unknown"),
    ],
)
def test_hosp_professions(vocabulary: Vocabulary, code: str, profession: str) -> None:
    assert vocabulary.profession("hosp", code) == profession


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("001", "revoked"),
        ("002", "probation"),
        ("003", "limited-prescribing"),
        ("004", "unknown"),
        ("1", "unknown"),
    ],
)
def test_hosp_restrictions(vocabulary: Vocabulary, code: str, kind: str) -> None:
    assert vocabulary.restriction("hosp", code) == kind


@pytest.mark.parametrize(
    ("code", "profession"),
    [
        ("207X00000X", "physician"),
        ("2084P0800X", "physician"),
        ("163W00000X", "registered-nurse"),
        ("363LF0000X", "advanced-practice-nurse"),
        ("367500000X", "nurse-anesthetist"),
        ("1041C0700X", "social-worker"),
        ("101YM0800X", "mental-health-counselor"),
        ("101YP2500X", "counselor"),
        ("101YS0200X", "unknown"),
        ("103TC0700X", "psychologist"),
        ("1223G0001X", "dentist"),
        ("1835P1200X", "pharmacist"),
        ("225100000X", "physiotherapist"),
        ("225XH1200X", "occupational-therapist"),
        ("172P00000X", "naprapath"),
        ("237600000X", "audiologist"),
        ("174400000X", "unknown"),
        ("204E00000X", "unknown"),
        ("332B00000X", "unknown"),
    ],
)
def test_nucc_taxonomy_codes(vocabulary: Vocabulary, code: str, profession: str) -> None:
    assert vocabulary.profession("nucc", code) == profession


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Sjuksköterska", "registered-nurse"),
        ("SJUKSKÖTERSKA", "registered-nurse"),
        ("sjuksko\u0308terska", "registered-nurse"),
        ("RN", "registered-nurse"),
        ("registered-nurse", "registered-nurse"),
        ("kurator", "health-care-counsellor"),
        ("ssk", "registered-nurse"),
        ("nurses", "registered-nurse"),
        ("doctor", "physician"),
        ("Läkare", "physician"),
        ("physical therapist", "physiotherapist"),
        ("socionom", "social-worker"),
        ("rymdläkare", None),
        ("", None),
    ],
)
def test_people_find_professions_by_their_own_words(
    vocabulary: Vocabulary, typed: str, code: str | None
) -> None:
    assert vocabulary.find_profession(typed) == code


def test_every_word_has_a_label_in_both_languages(vocabulary: Vocabulary) -> None:
    labels = [
        *(
            vocabulary.profession_label(code, language)
            for code in vocabulary.professions
            for language in ("sv", "en")
        ),
        *(vocabulary.status_label(status, language) for status in STATUSES for language in ("sv", "en")),
        *(
            vocabulary.restriction_label(kind, language)
            for kind in RESTRICTION_KINDS
            for language in ("sv", "en")
        ),
    ]
    assert all(label.strip() for label in labels)


def test_no_two_professions_look_alike(vocabulary: Vocabulary) -> None:
    for language in ("sv", "en"):
        labels = [fold_word(p.label.in_language(language)) for p in vocabulary.professions.values()]
        assert len(labels) == len(set(labels))


def test_a_code_from_a_newer_vocabulary_is_shown_as_it_is(vocabulary: Vocabulary) -> None:
    assert vocabulary.profession_label("space-physician", "sv") == "space-physician"


PROFESSIONS = """
[professions]
unknown = { sv = "Okänt", en = "Unknown" }
physician = { sv = "Läkare", en = "Physician" }
"""


def a_vocabulary(folder: Path, **files: str) -> Path:
    (folder / "professions.toml").write_text(PROFESSIONS)
    (folder / "terms.toml").write_text((CONFIG / "vocabulary" / "terms.toml").read_text("utf-8"))
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return folder


def test_a_system_file_is_enough_for_a_new_source(tmp_path: Path) -> None:
    vocabulary = load_vocabulary(
        a_vocabulary(tmp_path, moon='system = "moon"\n[professions]\nMD = "physician"\n')
    )
    assert vocabulary.systems == {"moon"}
    assert vocabulary.profession("moon", "md") == "physician"
    assert vocabulary.status("moon", "anything") == "unknown"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"professions": "professions ="}, ["professions.toml", "not valid TOML"]),
        ({"professions": "[professions]\nphysician = { sv = 'x', en = 'y' }"}, ["'unknown' is missing"]),
        ({"professions": PROFESSIONS + "Nurse = { sv = 'x', en = 'y' }"}, ["'Nurse'", "lower-case"]),
        ({"professions": PROFESSIONS + "nurse = { sv = 'x' }"}, ["professions.toml", "`en`"]),
        (
            {"terms": "[statuses]\nactive = { sv = 'x', en = 'y' }\n[restrictions]"},
            ["statuses.restricted is missing"],
        ),
        (
            {"moon": 'system = "moon"\n[professions]\nMD = "doctor"'},
            ["moon.toml", "'MD'", "'doctor'", "add it there"],
        ),
        ({"moon": 'system = "moon"\n[statuses]\nfine = "good"'}, ["moon.toml", "statuses", "good"]),
        ({"moon": 'system = "moon"\nstatus = 1'}, ["moon.toml", "status"]),
        (
            {"moon": 'system = "moon"\n[statuses]\n"On-Leave" = "lapsed"\n"on leave" = "active"'},
            ["'on leave'", "stands twice"],
        ),
        ({"moon": 'system = "moon"', "sun": 'system = "moon"'}, ["sun.toml", "another file"]),
    ],
)
def test_a_wrong_file_is_named_with_key_and_fix(
    tmp_path: Path, files: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_vocabulary(a_vocabulary(tmp_path, **files))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"professions\.toml can't be read"):
        load_vocabulary(tmp_path)
