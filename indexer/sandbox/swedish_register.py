"""What the Swedish register writes about: professions, specialties, counties, schools.

Professions and restriction codes as Socialstyrelsen has them (OID 1.2.752.116.3.1.3 and .5), `HK` included, which the
published schema lacks. Specialty codes are made up in the shape of the real ones.
"""

from indexer.sandbox.draw import Weighted

PROFESSIONS = {
    "AP": "Apotekare",
    "AT": "Arbetsterapeut",
    "AU": "Audionom",
    "BA": "Biomedicinsk analytiker",
    "BM": "Barnmorska",
    "DT": "Dietist",
    "FT": "Fysioterapeut",
    "HK": "Hälso- och sjukvårdskurator",
    "KP": "Kiropraktor",
    "LG": "Logoped",
    "LK": "Läkare",
    "NA": "Naprapat",
    "OP": "Optiker",
    "OT": "Ortopedingenjör",
    "PS": "Psykolog",
    "PT": "Psykoterapeut",
    "RC": "Receptarie",
    "RS": "Röntgensjuksköterska",
    "SF": "Sjukhusfysiker",
    "SG": "Sjukgymnast",
    "SJ": "Sjuksköterska",
    "TH": "Tandhygienist",
    "TL": "Tandläkare",
}
# How common each is among those who hold a licence, rough per cent.
COMMON = Weighted(
    {
        "SJ": 38,
        "LK": 17,
        "FT": 7,
        "AT": 6,
        "TL": 5.5,
        "PS": 5.5,
        "BA": 4.5,
        "BM": 3.5,
        "TH": 2.5,
        "HK": 2.5,
        "PT": 1.7,
        "AP": 1.5,
        "RC": 1.5,
        "RS": 1.2,
        "LG": 1,
        "OP": 1,
        "NA": 0.6,
        "DT": 0.6,
        "SG": 1,
        "AU": 0.5,
        "KP": 0.3,
        "OT": 0.15,
        "SF": 0.15,
    }
)
PRESCRIBERS = frozenset({"LK", "TL"})
# Before these years the profession had no licence (PSL and its forerunners; hälso- och sjukvårdskurator from 2019).
LICENSED_SINCE = {
    "HK": 2019,
    "NA": 1994,
    "KP": 1989,
    "DT": 2006,
    "AU": 2006,
    "OT": 2006,
    "RS": 2000,
    "AT": 1999,
}
# A licence of this kind builds on another one (grundyrke).
BUILDS_ON = {"BM": ("SJ",), "PT": ("PS", "SJ", "LK", "HK")}
RECODED_FROM = 2014  # sjukgymnast may become fysioterapeut

RESTRICTIONS = {
    "001": "Återkallad legitimation",
    "002": "Prövotid",
    "003": "Begränsad förskrivningsrätt",
}
PRESCRIBING_LIMITS = (
    "Får inte förskriva narkotiska läkemedel",
    "Får inte förskriva alkoholhaltiga läkemedel eller teknisk sprit",
    "Får inte förskriva särskilda läkemedel",
)
PROTECTED_TEXT = (
    "Personen har skyddad identitet. Kontakta Socialstyrelsen för uppgifter om personens behörighet."
)

# (code, name) by code system: the same specialty has another code under another year's regulation.
SPECIALTIES: dict[str, tuple[tuple[str, tuple[tuple[str, str], ...]], ...]] = {
    "LK": (
        (
            "1.2.752.116.3.1.7",
            (("10", "Allmänmedicin"), ("22", "Invärtesmedicin"), ("31", "Kirurgi"), ("51", "Psykiatri")),
        ),
        (
            "1.2.752.116.3.1.8",
            (
                ("1001", "Allmänmedicin"),
                ("1210", "Kirurgi"),
                ("1310", "Internmedicin"),
                ("1340", "Kardiologi"),
                ("1510", "Psykiatri"),
                ("1710", "Obstetrik och gynekologi"),
            ),
        ),
        (
            "1.2.752.116.3.1.9",
            (
                ("201", "Allmänmedicin"),
                ("212", "Anestesi och intensivvård"),
                ("221", "Barn- och ungdomsmedicin"),
                ("237", "Geriatrik"),
                ("244", "Akutsjukvård"),
                ("261", "Ortopedi"),
                ("283", "Rättspsykiatri"),
            ),
        ),
    ),
    "TL": (
        (
            "1.2.752.116.3.1.10",
            (("41", "Ortodonti"), ("42", "Pedodonti"), ("43", "Parodontologi"), ("45", "Oral protetik")),
        ),
    ),
}

# (county code, county, municipality code, municipality, weight); codes as Statistics Sweden's.
_PLACES = (
    ("01", "Stockholms län", "0180", "Stockholm", 20),
    ("01", "Stockholms län", "0126", "Huddinge", 4),
    ("03", "Uppsala län", "0380", "Uppsala", 5),
    ("04", "Södermanlands län", "0484", "Eskilstuna", 2),
    ("05", "Östergötlands län", "0580", "Linköping", 5),
    ("06", "Jönköpings län", "0680", "Jönköping", 3),
    ("07", "Kronobergs län", "0780", "Växjö", 2),
    ("08", "Kalmar län", "0880", "Kalmar", 2),
    ("09", "Gotlands län", "0980", "Gotland", 1),
    ("10", "Blekinge län", "1080", "Karlskrona", 1),
    ("12", "Skåne län", "1280", "Malmö", 8),
    ("12", "Skåne län", "1281", "Lund", 5),
    ("13", "Hallands län", "1380", "Halmstad", 3),
    ("14", "Västra Götalands län", "1480", "Göteborg", 13),
    ("14", "Västra Götalands län", "1490", "Borås", 3),
    ("17", "Värmlands län", "1780", "Karlstad", 3),
    ("18", "Örebro län", "1880", "Örebro", 4),
    ("19", "Västmanlands län", "1980", "Västerås", 3),
    ("20", "Dalarnas län", "2080", "Falun", 2),
    ("21", "Gävleborgs län", "2180", "Gävle", 3),
    ("22", "Västernorrlands län", "2281", "Sundsvall", 3),
    ("23", "Jämtlands län", "2380", "Östersund", 2),
    ("24", "Västerbottens län", "2480", "Umeå", 4),
    ("25", "Norrbottens län", "2580", "Luleå", 2),
)
PLACES = Weighted({place[:4]: place[4] for place in _PLACES})
COUNTIES = {place[0]: place[1] for place in _PLACES}
MUNICIPALITIES = {place[2]: place[3] for place in _PLACES}
SCHOOLS = (
    "Karolinska institutet",
    "Uppsala universitet",
    "Lunds universitet",
    "Göteborgs universitet",
    "Umeå universitet",
    "Linköpings universitet",
    "Örebro universitet",
    "Malmö universitet",
    "Jönköping University",
    "Mälardalens universitet",
    "Luleå tekniska universitet",
    "Högskolan Dalarna",
)
COUNTRIES = (
    "Polen",
    "Rumänien",
    "Finland",
    "Tyskland",
    "Syrien",
    "Irak",
    "Iran",
    "Danmark",
    "Spanien",
    "Indien",
)
