"""What a child is called where strangers may read."""

import pytest

from hcrm_core.first_name import first_name


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("王欣怡", "欣怡"),
        ("王欣", "欣"),
        ("欧阳娜娜", "娜娜"),
        ("欧阳娜", "娜"),
        ("欧阳", "阳"),  # two characters are a surname and a given name
        ("王李欣怡", "欣怡"),
        ("  林小满 ", "小满"),
        ("买买提·吐尔逊", "买买提"),
        ("买买提•吐尔逊", "买买提"),
        ("Anna Li", "Anna"),
        ("Mary-Ann O'Neill", "Mary-Ann"),
    ],
)
def test_the_given_name_is_told_apart(name: str, called: str) -> None:
    assert first_name(name) == called


@pytest.mark.parametrize(
    "name", ["", " ", "王", "患者1号", "Anna", "张三李四王", "13800001234", "王 13800001234", "李(小)"]
)
def test_what_is_no_plain_name_is_not_shown_at_all(name: str) -> None:
    assert first_name(name) == ""
