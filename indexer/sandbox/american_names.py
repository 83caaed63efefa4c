"""American names: given names by time of birth, surnames by how common they are (rough, from general knowledge)."""

from indexer.sandbox.draw import Draw, weighted_names

_SURNAMES = weighted_names(
    """Smith 24, Johnson 19, Williams 16, Brown 14, Jones 14, Garcia 12, Miller 12, Davis 11, Rodriguez 11, Martinez 11,
    Hernandez 10, Lopez 9, Gonzalez 8, Wilson 8, Anderson 8, Thomas 8, Taylor 8, Moore 7, Jackson 7, Martin 7, Lee 7,
    Perez 7, Thompson 7, White 7, Harris 6, Sanchez 6, Clark 6, Ramirez 6, Lewis 5, Robinson 5, Walker 5, Young 5,
    Allen 5, King 5, Wright 5, Scott 4, Torres 4, Nguyen 6, Hill 4, Flores 4, Green 4, Adams 4, Nelson 5, Baker 4,
    Hall 4, Rivera 4, Campbell 4, Mitchell 4, Carter 4, Roberts 4, Peterson 4, Olson 3, Hansen 2, Larson 2, Swanson 2,
    O'Brien 2, O'Connor 2, McDonald 2, McCarthy 1, MacKenzie 1, Fitzgerald 1, Kim 4, Park 2, Chen 3, Wong 2, Singh 3,
    Patel 3, Tran 3, Pham 2, Yamamoto 1, Nakamura 1, Reyes 2, Cruz 2, Santos 2, Dela Cruz 1, Van Dyke 0.5,
    St. Clair 0.3, De Leon 0.7, Kowalski 0.7, Schmidt 1, Schneider 1, Weber 1, Novak 0.6, Petrov 0.5, Ivanova 0.4,
    Abdi 0.6, Mohamed 0.7, Warsame 0.2, Yellowtail 0.1, Whitehorse 0.1, Redner 0.3, Bjorklund 0.2, Lindquist 0.5,
    Murphy 3, Kelly 3, Cook 3, Rogers 3, Morgan 3, Cooper 3, Reed 3, Bailey 3, Bell 3, Howard 3, Ward 2, Cox 2,
    Diaz 3, Richardson 2, Wood 2, Watson 2, Brooks 2, Bennett 2, Gray 2, James 2, Hughes 2, Price 2, Myers 2, Long 2,
    Foster 2, Sanders 2, Ross 2, Morales 2, Powell 2, Sullivan 2, Russell 2, Ortiz 2, Jenkins 2, Gutierrez 2, Perry 2,
    Butler 2, Barnes 2, Fisher 2, Henderson 2, Coleman 2, Simmons 2, Patterson 2, Jordan 2, Reynolds 2, Hamilton 1,
    Graham 1, Wallace 1, Woods 1, Cole 1, West 1, Owens 1, Ellis 1, Stevens 1, Hicks 1, Marshall 1, Burns 1, Hunt 1,
    Palmer 1, Wagner 1, Dixon 1, Mills 1, Nichols 1, Grant 1, Knight 1, Ferguson 1, Stone 1, Hawkins 1, Dunn 1, Crawford 1"""
)
_GIVEN = {
    "F": (
        (
            1970,
            weighted_names(
                """Mary 9, Linda 8, Patricia 7, Susan 8, Barbara 6, Deborah 6, Karen 7, Nancy 5, Donna 5, Carol 5, Sandra 5,
                Lisa 6, Kimberly 4, Diane 3, Cynthia 4, Pamela 4, Teresa 3, Kathleen 4, Gloria 2, Rosa 2, Mary-Ann 1, Yolanda 1"""
            ),
        ),
        (
            9999,
            weighted_names(
                """Jennifer 9, Jessica 8, Ashley 7, Sarah 7, Emily 6, Amanda 6, Melissa 5, Nicole 5, Elizabeth 5, Stephanie 5,
                Michelle 5, Rachel 4, Megan 4, Hannah 4, Lauren 4, Maria 4, Angela 4, Kelly 3, Heather 4, Grace 2, Mei 1,
                Thuy 1, Guadalupe 1, Aaliyah 1, Destiny 1, Siobhan 0.5, Anne-Marie 0.5, Zoë 0.3, Mai 1, Priya 1"""
            ),
        ),
    ),
    "M": (
        (
            1970,
            weighted_names(
                """James 8, Robert 8, John 8, Michael 8, David 7, William 6, Richard 6, Thomas 5, Mark 5, Steven 5, Charles 4,
                Gary 3, Kenneth 3, Paul 4, Daniel 3, Donald 3, Jose 2, Juan 1, Dennis 2, Larry 2, Jerome 1"""
            ),
        ),
        (
            9999,
            weighted_names(
                """Christopher 7, Matthew 7, Joshua 6, Daniel 6, David 6, Andrew 6, Joseph 5, Ryan 5, Brandon 4, Jason 5,
                Justin 4, Anthony 4, Kevin 4, Eric 4, Jonathan 3, Tyler 3, Jose 3, Luis 2, Carlos 2, Minh 1, Wei 1, Arjun 1,
                Malik 1, Kai 1, Diego 1, Sean 2, Liam 1, Jean-Paul 0.3, André 0.3"""
            ),
        ),
    ),
}
_INITIALS = "ABCDEFGHJKLMNPRSTW"
_SUFFIXES = ("Jr", "Jr", "Jr", "Sr", "II", "III")


def surname(draw: Draw) -> str:
    """Return a surname; a few are double."""
    name = _SURNAMES.pick(draw)
    return f"{name}-{_SURNAMES.pick(draw)}" if draw.chance(0.03) else name


def given(draw: Draw, sex: str, year: int) -> str:
    """Return a given name that was in use when the person was born."""
    return next(names for until, names in _GIVEN[sex] if year < until).pick(draw)


def middle(draw: Draw, sex: str, year: int) -> str:
    """Return a middle name, an initial, or nothing."""
    roll = draw.random()
    if roll < 0.25:  # noqa: PLR2004 - share without a middle name
        return ""
    return draw.one(_INITIALS) if roll < 0.6 else given(draw, sex, year)  # noqa: PLR2004 - share of initials


def suffix(draw: Draw, sex: str) -> str:
    """Return a generation suffix for a few men, else nothing."""
    return draw.one(_SUFFIXES) if sex == "M" and draw.chance(0.03) else ""
