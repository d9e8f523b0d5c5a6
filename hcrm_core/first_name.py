"""What a child is called where strangers may read: the given name, never surname and given name together."""

# Surnames of two characters that are in use (百家姓 and the household registers' frequent ones).
_COMPOUND = frozenset(
    [
        "欧阳",
        "太史",
        "端木",
        "上官",
        "司马",
        "东方",
        "独孤",
        "南宫",
        "万俟",
        "闻人",
        "夏侯",
        "诸葛",
        "尉迟",
        "公羊",
        "赫连",
        "澹台",
        "皇甫",
        "宗政",
        "濮阳",
        "公冶",
        "太叔",
        "申屠",
        "公孙",
        "慕容",
        "仲孙",
        "钟离",
        "长孙",
        "宇文",
        "司徒",
        "鲜于",
        "司空",
        "闾丘",
        "子车",
        "亓官",
        "司寇",
        "巫马",
        "公西",
        "颛孙",
        "壤驷",
        "公良",
        "漆雕",
        "乐正",
        "宰父",
        "谷梁",
        "拓跋",
        "夹谷",
        "轩辕",
        "令狐",
        "段干",
        "百里",
        "呼延",
        "东郭",
        "南门",
        "羊舌",
        "微生",
        "公户",
        "公玉",
        "公仪",
        "梁丘",
        "公仲",
        "公上",
        "公门",
        "公山",
        "公坚",
        "左丘",
        "公伯",
        "西门",
        "公祖",
        "第五",
        "公乘",
        "贯丘",
        "公皙",
        "南荣",
        "东里",
        "东宫",
        "仲长",
        "子书",
        "子桑",
        "即墨",
        "达奚",
        "褚师",
        "吴铭",
        "纳兰",
        "归海",
    ]
)
_LONGEST = 4  # characters: two of a compound or double surname and two of a given name


def first_name(name: str) -> str:
    """The given name; "" where it cannot be told apart from the surname.

    Names with a dot or a space (买买提·吐尔逊, Anna Li) begin with what the person is called.
    """
    parts = name.replace("•", "·").replace("・", "·").replace("·", " ").split()
    if len(parts) > 1:
        return parts[0] if all(part.replace("'", "").replace("-", "").isalpha() for part in parts) else ""
    written = parts[0] if parts else ""
    if not 2 <= len(written) <= _LONGEST or not all("\u4e00" <= sign <= "\u9fff" for sign in written):
        return ""
    compound = len(written) == _LONGEST or (len(written) > 2 and written[:2] in _COMPOUND)
    return written[2 if compound else 1 :]
