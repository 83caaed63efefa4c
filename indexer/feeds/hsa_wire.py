"""What goes over the wire between us and HSA: SOAP 1.1 as RIV-TA's basic profile 2.1 writes it, and the JSON of proxies.

Sources: SOAP 1.1 (W3C note), RIV-TA BP 2.1 (LogicalAddress in the header, one document/literal body), and the schemas of
GetHospLastUpdate 1.0 and GetHospCredentialsForPerson 1.0. Elements are read by local name: the contract's own types
come from four namespaces, and extensions from any.
"""

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson
from lxml import etree

from indexer.feeds.hsa_answer import MAX_DEPTH, AnswerError, Tree, as_tree, is_answer, own_name

CREDENTIALS, LAST_UPDATE = "GetHospCredentialsForPerson", "GetHospLastUpdate"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
ADDRESSING = "urn:riv:itintegration:registry:1"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
# How a document type declaration begins in the encodings that an XML parser guesses without being told.
_DOCTYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
# Keys under which proxies put the answer itself.
_WRAPPERS = ("credentials", f"{CREDENTIALS}Response")


class FaultError(AnswerError):
    """The service tells of an error of its own (SOAP Fault). `code` is its fault code."""

    def __init__(self, code: str) -> None:
        super().__init__("Fault", f"the service answers with a SOAP fault ({code})")
        self.code = code


class CutOffError(AnswerError):
    """The document ends in the middle."""


def envelope(contract: str, namespace: str, logical_address: str, number: str = "") -> bytes:
    """Return a request. `number` is the person asked about, where the contract asks about one."""
    body = f"<r:personalIdentityNumber>{escape(number)}</r:personalIdentityNumber>" if number else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<s:Envelope xmlns:s="{ENVELOPE}" xmlns:a="{ADDRESSING}">'
        f"<s:Header><a:LogicalAddress>{escape(logical_address)}</a:LogicalAddress></s:Header>"
        f"<s:Body><r:{contract} xmlns:r={quoteattr(namespace)}>{body}</r:{contract}></s:Body></s:Envelope>"
    ).encode()


def soap_answers(data: bytes) -> list[Tree]:
    """Return every answer of a SOAP message, or of a bare response document.

    Raises:
        FaultError: it is a SOAP Fault.
        CutOffError: it ends in the middle.
        AnswerError: it is anything else but an answer of the contract.
    """
    return [_tree(element, 0) for element in _responses(_document(data), CREDENTIALS)]


def soap_last_update(data: bytes) -> str:
    """Return `lastUpdate` of a SOAP message.

    Raises:
        AnswerError: see `soap_answers`.
    """
    for response in _responses(_document(data), LAST_UPDATE):
        for element in response.iter("{*}lastUpdate"):
            return (element.text or "").strip()
    raise AnswerError("lastUpdate", f"the answer to {LAST_UPDATE} holds none")


def soap_text(data: bytes) -> str:
    """Return the responses of a message as XML in a text, without the envelope: its headers differ each time.

    Raises:
        AnswerError: see `soap_answers`.
    """
    responses = _responses(_document(data), CREDENTIALS)
    inner = "".join(etree.tostring(response, encoding="unicode", with_tail=False) for response in responses)
    return f"<answers>{inner}</answers>"


def json_answers(data: bytes) -> list[Tree]:
    """Return every answer of a JSON document: an object, a list of them, or either within a proxy's wrapper.

    No document at all and `null` are an empty answer.

    Raises:
        AnswerError: it is no JSON, or anything else but an answer of the contract.
    """
    return value_answers(_value(data))


def value_answers(value: Any) -> list[Tree]:  # noqa: ANN401 - whatever JSON holds
    """Return every answer of a JSON value; see `json_answers`."""
    return list(_objects(value, 0))


def json_last_update(data: bytes) -> str:
    """Return `lastUpdate` of a JSON document.

    Raises:
        AnswerError: it holds none.
    """
    value = _value(data)
    found = value.get("lastUpdate") if isinstance(value, dict) else None
    if not isinstance(found, str):
        raise AnswerError("lastUpdate", "the answer holds none")
    return found.strip()


def _value(data: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    data = data.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        return orjson.loads(data) if data else None
    except orjson.JSONDecodeError as error:
        raise AnswerError("", "no JSON") from error


def _objects(value: Any, depth: int) -> Iterator[Tree]:  # noqa: ANN401 - whatever JSON holds
    if depth > MAX_DEPTH:
        raise AnswerError("", "nested deeper than any answer")
    if value is None:
        return
    if isinstance(value, list):
        for inner in value:
            yield from _objects(inner, depth + 1)
        return
    if not isinstance(value, dict):
        raise AnswerError("", "no object where an answer belongs")
    for wrapper in _WRAPPERS:
        if wrapper in value:
            yield from _objects(value[wrapper], depth + 1)
            return
    tree = as_tree(value)
    if not is_answer(tree):
        raise AnswerError("", f"nothing of an answer to {CREDENTIALS} in it")
    yield tree


def _document(data: bytes) -> etree._Element:
    if any(doctype in data for doctype in _DOCTYPES):
        raise AnswerError("", "a DOCTYPE, which may hide entities; no answer needs one")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        if "Premature end" in error.msg or not data.rstrip(b"\0 \r\n\t").endswith(b">"):
            raise CutOffError("", "the XML ends in the middle") from error
        raise AnswerError("", "no well-formed XML") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise AnswerError("", "a DOCTYPE, which may hide entities; no answer needs one")
    return root


def _responses(root: etree._Element, contract: str) -> list[etree._Element]:
    """Return the responses, none of them within another.

    Raises:
        FaultError, AnswerError: see `soap_answers`.
    """
    fault = next(root.iter(f"{{{ENVELOPE}}}Fault"), None)
    if fault is not None:
        code = next((_leaf(child) for child in fault if _local(child) == "faultcode"), "")
        raise FaultError(_safe(code))
    wanted = f"{contract}Response"
    found = [
        element
        for element in root.iter(f"{{*}}{wanted}")
        if not any(_local(above) == wanted for above in element.iterancestors())
    ]
    if not found:
        raise AnswerError("", f"no {wanted} in it")
    return found


def _safe(code: str) -> str:
    """Return a fault code fit for a message: a word of letters, else nothing of it. Its text may name a person."""
    word = code.rpartition(":")[2]
    return word if word.isascii() and word.replace(".", "").isalpha() else "no code"


def _tree(element: etree._Element, depth: int) -> Tree:
    if depth > MAX_DEPTH:
        raise AnswerError("", "nested deeper than any answer")
    tree: Tree = {}
    for child in element:
        if child.get(_NIL) in ("true", "1"):
            continue
        name = own_name(_local(child))
        if len(child):
            tree.setdefault(name, []).append(_tree(child, depth + 1))
        elif (text := _leaf(child)) or name == "restrictions":
            tree.setdefault(name, []).append(text or {})
    return tree


def _leaf(element: etree._Element) -> str:
    return (element.text or "").strip()


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname
