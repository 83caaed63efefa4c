"""Swedish names as people in Sweden bear them: given names by time of birth, surnames by how common they are.

Weights are rough counts in thousands, written from general knowledge of the name statistics; names from
other languages come as families of names, so that a given name and a surname fit each other.
"""

from indexer.sandbox.draw import Draw, Weighted, weighted_names

_COMMON = weighted_names(
    """Andersson 220, Johansson 215, Karlsson 190, Nilsson 150, Eriksson 130, Larsson 110, Olsson 98, Persson 95,
    Svensson 88, Gustafsson 82, Pettersson 78, Jonsson 68, Jansson 46, Hansson 40, Bengtsson 32, Jönsson 29,
    Lindberg 27, Jakobsson 26, Magnusson 25, Olofsson 24, Lindström 23, Lindqvist 22, Lindgren 22, Axelsson 21,
    Berg 21, Bergström 20, Lundberg 20, Lind 20, Lundgren 19, Mattsson 19, Lundqvist 18, Berglund 18,
    Fredriksson 17, Sandberg 17, Henriksson 16, Forsberg 16, Sjöberg 16, Wallin 15, Engström 15, Eklund 15,
    Danielsson 15, Lundin 14, Håkansson 14, Björk 14, Bergman 13, Gunnarsson 13, Wikström 12, Holm 12,
    Samuelsson 11, Isaksson 11, Fransson 11, Bergqvist 11, Nyström 11, Holmberg 10, Arvidsson 10, Löfgren 10,
    Söderberg 10, Nyberg 10, Blomqvist 9, Claesson 9, Nordström 9, Mårtensson 9, Lundström 9, Viklund 8,
    Björklund 8, Eliasson 8, Pålsson 8, Berggren 8, Sandström 8, Lund 7, Nordin 7, Ström 7, Åberg 7, Falk 7,
    Hermansson 7, Ekström 7, Hellström 6, Holmgren 6, Sundberg 6, Hedlund 6, Sjögren 6, Dahlberg 6, Öberg 6,
    Ek 6, Martinsson 6, Andreasson 5, Strömberg 5, Hedberg 5, Norberg 5, Månsson 5, Abrahamsson 5, Sundström 5,
    Lindholm 5, Palm 5, Åkesson 5, Dahl 5, Jonasson 5, Åström 5, Melin 4, Rosén 4, Ivarsson 4, Bäckström 4,
    Wahlström 4, Skoglund 4, Rydén 4, Lilja 4, Norén 4, Adolfsson 4, Nyman 4, Ahlström 4, Österberg 4, Ågren 4,
    Öhman 4, Stenberg 3, Hägg 3, Åkerlund 3, Wennerström 3, Rask 2, Modig 2, Frisk 2, Stark 2, Höög 1"""
)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Two-part surnames, the long tail: nature words, a few thousand combinations of which each is rare.
_FIRST_PART = _words(
    "Lind Berg Sjö Dal Ek Gran Hed Ny Sand Strand Söder Väster Öster Norr Åker Ängs Hag Ceder Alm Björk Rosen "
    "Lund Fors Holm Sten Ström Skog Blom Löv Hassel Mal Rud Vik Älv Kull Lager Silver Stjern Wester Ahl"
)
_LAST_PART = _words(
    "ström berg qvist gren lund man blad holm dahl fors vall stedt mark näs bäck ell in dell gård kvist"
)

_GIVEN = {
    "F": (
        (
            1958,
            weighted_names(
                """Karin 9, Birgitta 9, Margareta 9, Kerstin 8, Ingrid 7, Barbro 6, Gunilla 6, Ulla 5, Eva 5, Inger 5,
                Christina 5, Marianne 4, Siv 3, Britt-Marie 3, Anna-Lisa 3, Gun-Britt 2, Ann-Marie 2, Solveig 2,
                Märta 1, Göta 1, Ann-Sofie 1, Monica 3, Agneta 4, Elisabeth 4, Lena 4, Yvonne 2, Åsa 1"""
            ),
        ),
        (
            1984,
            weighted_names(
                """Maria 10, Anna 9, Eva 5, Lena 5, Annika 5, Susanne 5, Åsa 5, Helena 5, Carina 4, Pia 3, Ulrika 4,
                Malin 6, Sofia 5, Jenny 6, Linda 6, Cecilia 4, Petra 3, Johanna 5, Sara 5, Camilla 4, Anneli 2,
                Anna-Karin 3, Ann-Charlotte 2, Karolina 2, Marie 4, Kristina 4, Emma 2, Frida 2, Märit 1, Björg 0.3"""
            ),
        ),
        (
            9999,
            weighted_names(
                """Emma 9, Elin 8, Johanna 7, Amanda 6, Matilda 6, Linnéa 7, Hanna 7, Sara 6, Julia 6, Ida 6, Moa 4,
                Ellen 4, Lovisa 3, Felicia 3, Frida 4, Josefin 4, Rebecka 4, Klara 4, Elsa 3, Alva 3, Tuva 2, Wilma 3,
                Agnes 3, Saga 2, Ebba 3, Isabelle 3, Nellie 2, Thea 2, Maja 4, Märta 1, Åsa 0.5, Anna-Clara 0.4"""
            ),
        ),
    ),
    "M": (
        (
            1958,
            weighted_names(
                """Lars 9, Jan 8, Karl 6, Nils 5, Sven 5, Bengt 6, Gunnar 5, Göran 5, Åke 4, Bo 5, Leif 4, Kjell 4, Ulf 4,
                Lennart 5, Stig 3, Rolf 4, Karl-Erik 2, Lars-Göran 2, Per-Olof 2, Sven-Åke 2, Hans 5, Ingemar 3, Östen 0.5,
                Bertil 3, Torbjörn 2, Anders 5, Roger 3, Björn 3, Håkan 2"""
            ),
        ),
        (
            1984,
            weighted_names(
                """Peter 8, Mikael 8, Anders 8, Johan 8, Fredrik 7, Magnus 6, Henrik 5, Thomas 6, Stefan 6, Mattias 5,
                Andreas 6, Daniel 6, Jonas 6, Niklas 5, Jörgen 3, Björn 3, Patrik 4, Per 4, Martin 5, Erik 4, Håkan 3,
                Tobias 3, Urban 1, Lars-Erik 1, Carl-Johan 1, Jan-Olov 1, Markus 4, Robert 4, Kristian 3, Jesper 2"""
            ),
        ),
        (
            9999,
            weighted_names(
                """Erik 7, Viktor 6, Oscar 7, Emil 6, Filip 6, Simon 6, Gustav 5, Alexander 6, Anton 6, Jonathan 4,
                Rasmus 5, Axel 4, Hugo 3, Isak 3, Elias 4, William 5, Ludvig 3, Albin 3, Linus 5, Joakim 3, Sebastian 4,
                Adam 4, Max 2, Nils 3, Arvid 2, Melker 1, Måns 1, Björn 0.6, Carl-Fredrik 0.4, Östen 0.1"""
            ),
        ),
    ),
}

# (weight, women's names, men's names, surnames)
_ELSEWHERE: Weighted[tuple[str, str, str]] = Weighted(
    {
        (
            "Fatima Zahra Noor Layla Mariam Hanan Rania Yasmin Amal Sahar Dina Salma",
            "Mohamed Ahmed Ali Omar Hassan Yousef Khaled Ibrahim Mustafa Samir Tariq Bilal",
            "Ali|Mohamed|Ahmed|Hassan|Hussein|Ibrahim|Khalil|Al-Masri|Abdallah|Saleh|Mahmoud|Al Khatib|Haddad",
        ): 5,
        (
            "Shirin Maryam Leila Parisa Nasrin Azadeh Mahsa Roya",
            "Reza Amir Mehdi Hamid Saeed Arash Farhad Behrouz",
            "Ahmadi|Hosseini|Karimi|Moradi|Rahimi|Jafari|Rezaei|Mohammadi|Sadeghi",
        ): 3,
        (
            "Amina Emina Jasmina Selma Aida Lejla Ivana Dragana",
            "Adnan Emir Edin Goran Dejan Nemanja Mirza Zoran",
            "Hadžić|Kovačević|Jovanović|Petrović|Begić|Halilović|Nikolić|Marković|Omerović",
        ): 3,
        (
            "Marjatta Tuula Kaisa Päivi Sanna Riikka Anneli Eeva",
            "Jari Timo Mika Juha Pekka Antti Heikki Jukka-Pekka",
            "Korhonen|Virtanen|Mäkinen|Nieminen|Mäkelä|Hämäläinen|Laine|Heikkinen|Järvinen|Lehtonen",
        ): 4,
        (
            "Agnieszka Katarzyna Małgorzata Magdalena Joanna Ewa Monika",
            "Piotr Krzysztof Tomasz Paweł Łukasz Marcin Wojciech",
            "Kowalski|Nowak|Wiśniewski|Wójcik|Kamiński|Lewandowski|Zieliński|Dąbrowski",
        ): 2,
        (
            "Hodan Ayaan Ifrah Sagal Hibo Fardowsa Nimco",
            "Abdi Mahad Liban Yusuf Abdirahman Mohamud Guled",
            "Abdi|Warsame|Farah|Jama|Yusuf|Abdullahi|Nur|Osman Ali|Hersi",
        ): 2,
        (
            "Elif Zeynep Ayşe Rojin Berivan Dilan Zilan",
            "Mehmet Murat Baran Serdar Azad Şükrü Dilovan",
            "Yılmaz|Kaya|Demir|Öztürk|Şahin|Aslan|Çelik|Barzani Aziz",
        ): 2,
        (
            "Priya Ananya Deepa Nguyet Linh Mei Yuki Grace",
            "Rajesh Arjun Sanjay Minh Hung Wei Kenji Emmanuel",
            "Sharma|Patel|Nair|Nguyen|Tran|Le Thi|Chen|Wang|Okafor|Tesfaye|Haile",
        ): 2,
        (
            "Anke Sabine Ulrike Carmen Lucía María-José Ioana Elena",
            "Jürgen Wolfgang Klaus Carlos Javier José Andrei Mihai",
            "Müller|Schäfer|Weiß|Köhler|García López|Fernández|Muñoz|van der Berg|de la Cruz|Popescu|Ionescu",
        ): 2,
    }
)
_SHARE_ELSEWHERE = 0.17
_SHARE_TAIL = 0.38


def given_names(draw: Draw, sex: str, year: int) -> tuple[str, ...]:
    """Return one to three given names that were in use when the person was born."""
    names = next(names for until, names in _GIVEN[sex] if year < until)
    wanted = 1 + (draw.random() < 0.75) + (draw.random() < 0.25)  # noqa: PLR2004 - how many bear a second, a third
    found: dict[str, None] = {}
    for _ in range(wanted):
        found[names.pick(draw)] = None
    return tuple(found)


def surname(draw: Draw) -> str:
    """Return a Swedish surname; some people bear two, with a space or a hyphen."""
    name = _single(draw)
    roll = draw.random()
    if roll < 0.035:  # noqa: PLR2004 - share of double surnames
        return f"{name} {_single(draw)}"
    return f"{name}-{_single(draw)}" if roll < 0.05 else name  # noqa: PLR2004 - as above, hyphenated


def _single(draw: Draw) -> str:
    if draw.chance(_SHARE_TAIL):
        return draw.one(_FIRST_PART) + draw.one(_LAST_PART)
    return _COMMON.pick(draw)


def full_name(draw: Draw, sex: str, year: int) -> tuple[tuple[str, ...], str]:
    """Return given names and surname that fit each other."""
    if not draw.chance(_SHARE_ELSEWHERE):
        return given_names(draw, sex, year), surname(draw)
    women, men, families = _ELSEWHERE.pick(draw)
    given: tuple[str, ...] = (draw.one((women if sex == "F" else men).split()),)
    if draw.chance(0.3):
        given = (*given, *given_names(draw, sex, year)[:1])
    return given, draw.one(families.split("|"))
