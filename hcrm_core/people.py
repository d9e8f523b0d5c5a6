"""Names, phones and identity numbers as people write them, brought into one form."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from pypinyin import Style, lazy_pinyin

from hcrm_core.errors import Problem, Severity
from hcrm_core.parsed import Parsed, plain, refusal, says_unknown
from hcrm_core.terms import Sex

_NAMESAKE = re.compile(r"[(（]\s*(大|小)\s*[)）]$")
_PLACEHOLDERS = {"测试", "test", "某某", "xxx"}
_RELATIONS = {
    "妈妈": "母亲", "妈": "母亲", "母亲": "母亲", "爸爸": "父亲", "爸": "父亲", "父亲": "父亲", "奶奶": "奶奶",
    "爷爷": "爷爷", "外婆": "外婆", "姥姥": "外婆", "外公": "外公", "姥爷": "外公", "本人": "本人",
}  # fmt: skip
_SAME_AS_ABOVE = {"同上", "〃", "″", '"', "''", "同前", "见上", "如上"}
# Letters of any script, with what stands between parts of a name: 买买提·吐尔逊, Mary-Ann O'Neill.
_NAME = re.compile(r"[^\W\d_]+(?:[ ·•・.'’-]+[^\W\d_]+)*\.?")
# Characters that are read otherwise as a surname.
_SURNAMES = {
    "单": "shan", "曾": "zeng", "仇": "qiu", "区": "ou", "解": "xie", "查": "zha", "盖": "ge", "任": "ren", "华": "hua",
    "朴": "piao", "翟": "zhai", "缪": "miao", "乐": "yue", "覃": "qin", "冼": "xian", "员": "yun", "种": "chong",
    "黑": "he", "折": "she", "繁": "po", "纪": "ji", "隗": "wei", "召": "shao", "宓": "mi", "秘": "bi", "粘": "nian",
    "郇": "xun", "燕": "yan", "应": "ying", "宁": "ning", "谌": "chen", "卜": "bu", "柏": "bai", "贲": "ben",
    "盛": "sheng", "句": "gou", "车": "che", "那": "na", "祭": "zhai", "葛": "ge", "阚": "kan", "尹": "yin", "牟": "mu",
    "洗": "xian", "撒": "sa", "都": "du", "藏": "zang", "邴": "bing", "曲": "qu", "万俟": "mo qi", "尉迟": "yu chi",
    "长孙": "zhang sun", "澹台": "tan tai", "令狐": "ling hu", "单于": "chan yu",
}  # fmt: skip
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
_ID_CHECKS = "10X98765432"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonName:
    """A name without spaces and marks.

    `mark` is the 大 or 小 by which a clinic tells namesakes apart: part of the note, not of the name, and a reason to
    doubt a match by name.
    """

    name: str
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """Digits as dialled inside China, and whose phone it is as far as was said."""

    digits: str
    relation: str = ""

    @property
    def tail(self) -> str:
        """The last four digits: what people search by."""
        return self.digits[-4:]


@dataclass(frozen=True, slots=True, kw_only=True)
class NationalId:
    """What an identity number says. `number` is None when its digits cannot be trusted, as after a spreadsheet."""

    number: str | None
    birth_date: date
    sex: Sex | None


def parse_name(text: str, *, field: str = "name") -> Parsed[PersonName]:
    """A person's name; empty is unknown.

    A placeholder such as 测试, 同上 and whatever holds more than a name (two names, a note, digits) are refused: a
    customer made of them would be nobody.
    """
    if says_unknown(text):
        return Parsed()
    written = plain(text)
    found = _NAMESAKE.search(written)
    mark = found[1] if found else ""
    name = _joined(written[: found.start()] if found else written)
    if name.lower() in _PLACEHOLDERS:
        return refusal("name_placeholder", field=field, seen=text)
    if len(name) > 50 or not _NAME.fullmatch(name) or says_same_as_above(written):
        return refusal("name_unreadable", field=field, seen=text)
    return Parsed(value=PersonName(name=name, mark=mark))


def relation_in(text: str) -> str:
    """How a guardian is related, if the text says so: `白妈妈` → 母亲; otherwise empty."""
    written = plain(text)
    return next((relation for word, relation in _RELATIONS.items() if written.endswith(word)), "")


def says_same_as_above(text: str) -> bool:
    """Whether a cell refers to the row above (同上)."""
    return plain(text) in _SAME_AS_ABOVE or text.strip() in _SAME_AS_ABOVE


def parse_phone(text: str, *, field: str = "phone") -> Parsed[Phone]:
    """A mobile (1…, 11 digits) or landline (0…, 10 to 12 digits) number; `+86`, spaces and dashes go.

    A trailing `(妈妈)` becomes the relation. Of two numbers the first is taken, with a HINT.
    """
    if says_unknown(text):
        return Parsed()
    written = re.sub(r"\.0$", "", plain(text))
    note = re.search(r"[(（](\D+)[)）]$", written)
    bare = written[: note.start()] if note else written
    numbers = [re.sub(r"\D", "", part) for part in re.split(r"[/、,;，；]", bare)]
    digits = [re.sub(r"^(0086|86)(?=1\d{10}$)", "", number) for number in numbers if number]
    if re.search(r"[^\d\s+/、,;，；.()-]", bare) or not digits or not _dialable(digits[0]):
        return refusal("phone_unreadable", field=field, seen=text)
    remarks = (_remark("several_phones", field, Severity.HINT, seen=text),) if len(digits) > 1 else ()
    return Parsed(value=Phone(digits=digits[0], relation=relation_in(note[1]) if note else ""), problems=remarks)


def parse_national_id(text: str, *, field: str = "national_id") -> Parsed[NationalId]:
    """An 18-digit identity number (GB 11643-1999) with the birth date and sex it holds.

    A number that a spreadsheet turned into a float (`3.30106201111107E+17`) has lost its last digits: a WARNING, the
    birth date still stands, number and sex do not. A wrong check digit is an ERROR: any digit may be the wrong one.
    """
    if says_unknown(text):
        return Parsed()
    written = plain(text).upper().replace(" ", "").lstrip("'")
    whole = _from_float(written)
    digits = whole or written
    if not re.fullmatch(r"\d{17}[\dX]", digits, re.ASCII):
        return refusal("national_id_unreadable", field=field, seen=text)
    birth = _date_in(digits)
    if birth is None:
        return refusal("national_id_date", field=field, seen=text)
    if whole:
        lost = _remark("national_id_digits_lost", field, Severity.WARNING, seen=text, read=birth.isoformat())
        return Parsed(value=NationalId(number=None, birth_date=birth, sex=None), problems=(lost,))
    if check_digit(digits[:17]) != digits[17]:
        return refusal("national_id_check", field=field, seen=text)
    sex = Sex.MALE if int(digits[16]) % 2 else Sex.FEMALE
    return Parsed(value=NationalId(number=digits, birth_date=birth, sex=sex))


def check_digit(first_seventeen: str) -> str:
    """The 18th character of an identity number (ISO 7064 MOD 11-2, GB 11643-1999)."""
    total = sum(int(digit) * weight for digit, weight in zip(first_seventeen, _ID_WEIGHTS, strict=True))
    return _ID_CHECKS[total % 11]


@lru_cache(maxsize=65536)
def pinyin_of(name: str) -> tuple[str, str]:
    """The sort key and the initials of a name: `王欣怡` → (`wang xin yi`, `wxy`). Surnames are read as surnames."""
    cleaned = _joined(plain(name))
    if not cleaned:
        return "", ""
    head = next((cleaned[:length] for length in (2, 1) if cleaned[:length] in _SURNAMES), "")
    syllables = _SURNAMES.get(head, "").split()
    for part in lazy_pinyin(cleaned[len(head) :], style=Style.NORMAL, errors="default"):
        syllables += part.lower().replace("ü", "v").split()
    return " ".join(syllables), "".join(syllable[0] for syllable in syllables)


def _joined(name: str) -> str:
    """Spaces go between Chinese characters and stay, once, between Latin words."""
    squeezed = re.sub(r"\s+", " ", name).strip()
    return squeezed if squeezed.isascii() else squeezed.replace(" ", "")


def _dialable(digits: str) -> bool:
    return re.fullmatch(r"1[3-9]\d{9}|0[1-9]\d{8,10}", digits, re.ASCII) is not None


def _from_float(written: str) -> str | None:
    """The digits behind `3.30106201111107E+17`, or None if it is no such thing."""
    if not re.fullmatch(r"\d(\.\d{1,17})?E\+?17|\d{18}\.0*", written):
        return None
    return str(int(Decimal(written)))


def _date_in(digits: str) -> date | None:
    try:
        return date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    except ValueError:
        return None


def _remark(code: str, field: str, severity: Severity, **parameters: str) -> Problem:
    return Problem(code=code, field=field, severity=severity, parameters=parameters)
