"""Every problem type of the API: slug, status, and what it means, for the answers, the OpenAPI document and `/problems/`.

The slug is part of the API and never changes its meaning. A test compares this table with the errors of the code.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of refusal (RFC 9457 problem type).

    Attributes:
        slug: last part of the `type` URI.
        status: HTTP status code it comes with.
        title: short text that is the same every time.
        meaning_en, meaning_sv: what has happened.
        remedy_en, remedy_sv: what the client can do.
    """

    slug: str
    status: int
    title: str
    meaning_en: str
    remedy_en: str
    meaning_sv: str
    remedy_sv: str


_ALL = (
    ProblemType(
        "bad-request",
        400,
        "The request can't be answered as it is written",
        "Something in the request is wrong; `detail` says what.",
        "Change the request as `detail` says. Sending it again unchanged gives the same answer.",
        "Något i anropet är fel; `detail` säger vad.",
        "Ändra anropet som `detail` säger. Samma anrop igen ger samma svar.",
    ),
    ProblemType(
        "invalid-query",
        400,
        "A query parameter is wrong",
        "A query parameter is unknown, given twice, or has a value that can't be used; `errors` names each.",
        "Correct the parameters that `errors` names.",
        "En parameter i frågesträngen är okänd, anges två gånger eller har ett oanvändbart värde; `errors` räknar upp dem.",
        "Rätta de parametrar som `errors` nämner.",
    ),
    ProblemType(
        "invalid-json",
        400,
        "The body is not JSON",
        "The body can't be read as one JSON object in UTF-8 (RFC 8259) with each member given once.",
        "Send a well-formed JSON object.",
        "Anropets innehåll går inte att läsa som ett JSON-objekt i UTF-8 (RFC 8259) där varje fält anges en gång.",
        "Skicka ett välformat JSON-objekt.",
    ),
    ProblemType(
        "personal-number-in-url",
        400,
        "Personal identity numbers may only be sent in a request body",
        "The path or the query string holds what looks like a personal identity number. URLs end up in logs and histories.",
        "Ask with POST /v1/verifications and the number in the body. Treat the URL as leaked where it was stored.",
        "Sökvägen eller frågesträngen innehåller något som ser ut som ett personnummer. Webbadresser hamnar i loggar.",
        "Fråga med POST /v1/verifications och numret i anropets innehåll. Se adressen som röjd där den har sparats.",
    ),
    ProblemType(
        "login-failed",
        400,
        "The login did not succeed",
        "A login at the identity provider did not come to a good end.",
        "Log in again.",
        "En inloggning hos identitetsleverantören gick inte att slutföra.",
        "Logga in igen.",
    ),
    ProblemType(
        "unauthorized",
        401,
        "A valid access token is needed",
        "The request has no access token.",
        "Send `Authorization: Bearer <token>` with an access token (RFC 9068) from the issuer that this service trusts.",
        "Anropet saknar åtkomstintyg (access token).",
        "Skicka `Authorization: Bearer <intyg>` med ett åtkomstintyg (RFC 9068) från den utfärdare som tjänsten litar på.",
    ),
    ProblemType(
        "invalid-token",
        401,
        "The access token is not valid here",
        "The access token is expired, has a wrong issuer, audience, type or signature, or can't be read; `detail` says which.",
        "Fetch a new access token for this service and try again.",
        "Åtkomstintyget har gått ut, har fel utfärdare, mottagare, typ eller signatur eller går inte att läsa; se `detail`.",
        "Hämta ett nytt åtkomstintyg för den här tjänsten och försök igen.",
    ),
    ProblemType(
        "login-needed",
        401,
        "Log in to see this",
        "The page is shown to people who have logged in.",
        "Log in.",
        "Sidan visas för den som har loggat in.",
        "Logga in.",
    ),
    ProblemType(
        "forbidden",
        403,
        "The credential does not allow this",
        "The credential is valid but does not allow the request.",
        "Ask whoever gave you the credential.",
        "Behörigheten är giltig men tillåter inte anropet.",
        "Fråga den som har gett dig behörigheten.",
    ),
    ProblemType(
        "insufficient-scope",
        403,
        "The credential lacks a scope",
        "The access token is valid but lacks the scope that `scope` names, or must be bound to a key of its client for it.",
        "Fetch an access token with that scope, if you are entitled to it; or one that is bound by DPoP or a client certificate (docs/identity.md).",
        "Åtkomstintyget är giltigt men saknar det som `scope` nämner, eller måste vara bundet till en nyckel hos klienten för det.",
        "Hämta ett åtkomstintyg med det, om du har rätt till det, eller ett som är bundet med DPoP eller klientcertifikat (docs/identity.md).",
    ),
    ProblemType(
        "purpose-not-allowed",
        403,
        "The purpose may not be stated here",
        "The purpose is not for this caller, or only for one's own record; `detail` says which.",
        "State a purpose that you may state.",
        "Ändamålet får inte anges av dig, eller bara för egna uppgifter; se `detail`.",
        "Ange ett ändamål som du får ange.",
    ),
    ProblemType(
        "stale-form",
        403,
        "The form is out of date",
        "A form was sent without the proof that it came from a page of this service, or long after the page was opened.",
        "Open the page again and send the form once more.",
        "Ett formulär skickades utan bevis för att det kom från en av tjänstens sidor, eller långt efter att sidan öppnades.",
        "Öppna sidan på nytt och skicka formuläret en gång till.",
    ),
    ProblemType(
        "not-found",
        404,
        "There is no such resource",
        "There is no such resource, or none that you may know of: the two are answered alike.",
        "Check the address. Ids come from search answers; a licence is verified with POST /v1/verifications.",
        "Det finns ingen sådan resurs, eller ingen som du får känna till: svaret är detsamma.",
        "Kontrollera adressen. Id kommer från sökningar; en legitimation kontrolleras med POST /v1/verifications.",
    ),
    ProblemType(
        "method-not-allowed",
        405,
        "The method is not allowed here",
        "The resource exists but not for this HTTP method; the header `Allow` names those it takes.",
        "Use one of the methods in `Allow`.",
        "Resursen finns men inte för denna HTTP-metod; rubriken `Allow` räknar upp de tillåtna.",
        "Använd en av metoderna i `Allow`.",
    ),
    ProblemType(
        "idempotency-key-in-use",
        409,
        "The first request with this Idempotency-Key is not answered yet",
        "Another request with the same key and body is under way.",
        "Wait as long as `Retry-After` says and send the request again with the same key: you get the first answer.",
        "Ett anrop med samma nyckel och innehåll behandlas just nu.",
        "Vänta så länge som `Retry-After` säger och skicka samma anrop med samma nyckel: du får det första svaret.",
    ),
    ProblemType(
        "body-too-large",
        413,
        "The body is too large",
        "The body is larger than this service takes; `maxBytes` tells the limit.",
        "Send a smaller body.",
        "Anropets innehåll är större än tjänsten tar emot; `maxBytes` anger gränsen.",
        "Skicka ett mindre innehåll.",
    ),
    ProblemType(
        "list-state",
        409,
        "The staff list is in another state",
        "What was asked for can't be done with a staff list in the state it is in; `detail` says which.",
        "Ask for the list with GET and see its `state`.",
        "Det begärda går inte att göra med en personallista i det läge den är; `detail` säger vilket.",
        "Hämta listan med GET och se dess `state`.",
    ),
    ProblemType(
        "list-too-large",
        413,
        "The staff list is too large",
        "The list has more rows, columns, bytes or longer cells than this service takes; `detail` says which.",
        "Send the list in parts, or only the columns that are needed.",
        "Listan har fler rader, kolumner eller byte eller längre celler än tjänsten tar emot; `detail` säger vilket.",
        "Skicka listan i delar, eller bara de kolumner som behövs.",
    ),
    ProblemType(
        "unreadable-list",
        422,
        "The staff list can't be read",
        "The file can't be read as a list of people; `detail` says why.",
        "Do as `detail` says. CSV in UTF-8 and .xlsx without a password can be read.",
        "Filen går inte att läsa som en lista över personer; `detail` säger varför.",
        "Gör som `detail` säger. CSV i UTF-8 och .xlsx utan lösenord går att läsa.",
    ),
    ProblemType(
        "list-columns",
        422,
        "The columns of the staff list are not clear",
        "The headers of the list don't say who is asked about, or say it twice; `detail` lists the columns.",
        "Rename a column, or say which column tells what with `columns`.",
        "Listans rubriker säger inte vem frågan gäller, eller säger det två gånger; `detail` räknar upp kolumnerna.",
        "Byt namn på en kolumn, eller ange med `columns` vilken kolumn som säger vad.",
    ),
    ProblemType(
        "uri-too-long",
        414,
        "The URL is too long",
        "The address with its query string is longer than this service reads.",
        "Ask for less at once; 2,048 characters are always read.",
        "Adressen med sin frågesträng är längre än tjänsten läser.",
        "Fråga efter mindre åt gången; 2 048 tecken läses alltid.",
    ),
    ProblemType(
        "unsupported-media-type",
        415,
        "The body has the wrong media type",
        "The body must be JSON: `Content-Type: application/json`, in UTF-8, without `Content-Encoding`.",
        "Set the header and send JSON.",
        "Innehållet ska vara JSON: `Content-Type: application/json`, i UTF-8, utan `Content-Encoding`.",
        "Sätt rubriken och skicka JSON.",
    ),
    ProblemType(
        "invalid-body",
        422,
        "The body does not fit the schema",
        "The body is JSON but has an unknown, missing or wrong field; `errors` points at each (JSON Pointer, RFC 6901).",
        "Correct the fields that `errors` points at.",
        "Innehållet är JSON men ett fält är okänt, saknas eller är fel; `errors` pekar ut vart och ett (RFC 6901).",
        "Rätta de fält som `errors` pekar ut.",
    ),
    ProblemType(
        "consent-code-refused",
        422,
        "The consent code can't be used for this question",
        "The code is used, expired or withdrawn, is for another organisation, or does not belong to whom you asked about.",
        "Ask the person for a new code, or ask without one.",
        "Koden är använd, för gammal eller återkallad, gäller en annan organisation eller hör inte till den du frågade om.",
        "Be personen om en ny kod, eller fråga utan kod.",
    ),
    ProblemType(
        "too-many-consent-codes",
        409,
        "There are too many unused consent codes",
        "You have as many unused consent codes as one may have.",
        "Withdraw one, or wait until one has expired.",
        "Du har så många oanvända medgivandekoder som man kan ha.",
        "Återkalla en, eller vänta tills någon har slutat gälla.",
    ),
    ProblemType(
        "idempotency-key-reused",
        422,
        "The Idempotency-Key was used for another request",
        "The same key came with another body before.",
        "Take a new key for every new request; use one again only to send the very same request again.",
        "Samma nyckel har tidigare använts med ett annat innehåll.",
        "Använd en ny nyckel för varje nytt anrop; samma nyckel bara för att skicka exakt samma anrop igen.",
    ),
    ProblemType(
        "quota-exceeded",
        429,
        "The quota is used up",
        "Your organisation has asked as much as it may for now; `quota`, `limit` and `remaining` tell which quota and what is left.",
        "Wait as long as `Retry-After` says. Check many people at once with a staff list.",
        "Organisationen har frågat så mycket som den får just nu; `quota`, `limit` och `remaining` säger vad som återstår.",
        "Vänta så länge som `Retry-After` säger. Kontrollera många på en gång med en personallista.",
    ),
    ProblemType(
        "headers-too-large",
        431,
        "The request's headers are too large",
        "A header, or all of them together, is larger than this service reads.",
        "Send fewer or shorter headers. An access token may be as long as the setting `tokens.max_length` says.",
        "En rubrik, eller alla tillsammans, är större än tjänsten läser.",
        "Skicka färre eller kortare rubriker. Ett åtkomstintyg får vara så långt som inställningen `tokens.max_length` säger.",
    ),
    ProblemType(
        "internal",
        500,
        "The registry could not answer",
        "An error in the registry. It is logged under the request's id, which the header `X-Request-Id` tells.",
        "Try again later; if it stays, report the request id to the operator.",
        "Ett fel i registret. Det är loggat under anropets id, som står i rubriken `X-Request-Id`.",
        "Försök igen senare; om felet består, anmäl anropets id till den som driver tjänsten.",
    ),
    ProblemType(
        "search-unavailable",
        503,
        "Search by name is unavailable at the moment",
        "The search engine does not answer or has no index. Verification and search by licence number still work.",
        "Wait as long as `Retry-After` says, or ask by licence number.",
        "Sökmotorn svarar inte eller saknar index. Kontroll och sökning på legitimationsnummer fungerar ändå.",
        "Vänta så länge som `Retry-After` säger, eller fråga med legitimationsnummer.",
    ),
    ProblemType(
        "access-log-unavailable",
        503,
        "The access event could not be written, so no answer is given",
        "Every answer about a person is logged before it is given. The log can't be written now, so there is no answer.",
        "Wait as long as `Retry-After` says and try again.",
        "Varje svar om en person loggas innan det lämnas ut. Loggen kan inte skrivas nu, därför ges inget svar.",
        "Vänta så länge som `Retry-After` säger och försök igen.",
    ),
    ProblemType(
        "database-unavailable",
        503,
        "The registry's database does not answer",
        "The database does not answer in time.",
        "Wait as long as `Retry-After` says and try again.",
        "Databasen svarar inte i tid.",
        "Vänta så länge som `Retry-After` säger och försök igen.",
    ),
    ProblemType(
        "sessions-unavailable",
        503,
        "Logins can't be checked at the moment",
        "The database that holds logins does not answer, so nobody can be told from anybody.",
        "Wait as long as `Retry-After` says and try again.",
        "Databasen med inloggningar svarar inte, och ingen kan kännas igen.",
        "Vänta så länge som `Retry-After` säger och försök igen.",
    ),
    ProblemType(
        "identity-provider-unavailable",
        503,
        "The identity provider can't be reached",
        "The access token can't be checked because its issuer does not answer and no usable key is known.",
        "Wait as long as `Retry-After` says and try again.",
        "Åtkomstintyget kan inte kontrolleras eftersom utfärdaren inte svarar och ingen användbar nyckel är känd.",
        "Vänta så länge som `Retry-After` säger och försök igen.",
    ),
)

PROBLEM_TYPES = {kind.slug: kind for kind in _ALL}
