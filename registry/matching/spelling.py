"""How far apart two words are in writing: edits and Jaro-Winkler similarity. Pure functions of two strings."""

# A slip of the pen or the keyboard changes this many letters at most (Damerau 1964: four of five have one).
FEW_EDITS = 2
# Winkler 1990: agreement in the first letters counts extra, up to four of them, a tenth each.
_PREFIX = 4
_PREFIX_SCALE = 0.1


def edits(one: str, two: str) -> int:
    """Count the letters put in, left out, changed or swapped with a neighbour; more than two are told as three.

    Optimal string alignment: no letter is changed twice.
    """
    shorter, longer = (one, two) if len(one) <= len(two) else (two, one)
    if len(longer) - len(shorter) > FEW_EDITS:
        return FEW_EDITS + 1
    start = 0
    for a, b in zip(shorter, longer, strict=False):
        if a != b:
            break
        start += 1
    end_short, end_long = len(shorter), len(longer)
    while end_short > start and shorter[end_short - 1] == longer[end_long - 1]:
        end_short -= 1
        end_long -= 1
    return _core_edits(shorter[start:end_short], longer[start:end_long])


# What one edit takes from each word: a letter changed, put in, left out, or two swapped. Here: all pairs of a first and a
# last edit, by how much longer the one word is than the other.
_TAKES = ((1, 1), (0, 1), (1, 0), (2, 2))
_TWO_EDITS = tuple(
    tuple((i, j, k, m) for i, j in _TAKES for k, m in _TAKES if j + m - i - k == longer)
    for longer in range(FEW_EDITS + 1)
)


def _core_edits(shorter: str, longer: str) -> int:
    """Count the edits between two words that share neither their first nor their last letter.

    So there is an edit at either end; two edits leave the same letters between them.
    """
    if not shorter:
        return len(longer)
    if len(longer) == 1 or (len(longer) == 2 and shorter == longer[::-1]):  # noqa: PLR2004 - two letters
        return 1
    short, long = len(shorter), len(longer)
    for i, j, k, m in _TWO_EDITS[long - short]:
        if (
            i + k <= short
            and shorter[i : short - k] == longer[j : long - m]
            and _swapped(shorter[:i], longer[:j])
            and _swapped(shorter[short - k :], longer[long - m :])
        ):
            return FEW_EDITS
    return FEW_EDITS + 1


def _swapped(one: str, two: str) -> bool:
    """Tell whether what an edit of two letters takes is two letters swapped; true for every other edit."""
    return len(one) != len(two) or len(one) < 2 or one == two[::-1]  # noqa: PLR2004 - two letters


def swapped(one: str, two: str) -> bool:
    """Tell whether two words differ by nothing but two neighbouring letters swapped."""
    if len(one) != len(two) or one == two:
        return False
    at = next(i for i, (a, b) in enumerate(zip(one, two, strict=True)) if a != b)
    return one[at : at + 2] == two[at : at + 2][::-1] and one[at + 2 :] == two[at + 2 :]


def likeness(one: str, two: str) -> float:
    """Return the Jaro-Winkler similarity, 0 to 1; the same whichever word is first."""
    if (len(one), one) > (len(two), two):
        one, two = two, one
    if not one:
        return 1.0 if not two else 0.0
    reach = max(len(two) // 2 - 1, 0)
    matched, swaps = _common(one, two, reach)
    if not matched:
        return 0.0
    jaro = (matched / len(one) + matched / len(two) + (matched - swaps) / matched) / 3
    prefix = 0
    for a, b in zip(one[:_PREFIX], two, strict=False):
        if a != b:
            break
        prefix += 1
    return jaro + prefix * _PREFIX_SCALE * (1 - jaro)


def _common(one: str, two: str, reach: int) -> tuple[int, float]:
    """Count letters in common that stand near each other, and half of those that stand in another order."""
    taken = [False] * len(two)
    first = []
    for i, a in enumerate(one):
        for j in range(max(0, i - reach), min(len(two), i + reach + 1)):
            if not taken[j] and two[j] == a:
                taken[j] = True
                first.append(a)
                break
    second = [b for b, hit in zip(two, taken, strict=True) if hit]
    swapped = sum(a != b for a, b in zip(first, second, strict=True))
    return len(first), swapped / 2
